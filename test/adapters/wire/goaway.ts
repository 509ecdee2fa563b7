import { describe, expect, test } from 'vitest'
import type { DisposableChannel, Message } from '#ports/channel.ts'
import type { Sandbox } from '#sandbox/sandbox.ts'
import { attempt } from './channel-bench.ts'

export interface GoawayCase {
  readonly sandbox: () => Sandbox
  readonly open: () => Promise<DisposableChannel>
  readonly recipient: () => string
  readonly messageTo: (recipient: string) => Message
}

const inFlight = 50

/** A server that says goodbye names the last stream it has processed: what is above it was not, and may go again. */
export const describeGoaway = (subject: string, bench: GoawayCase) =>
  describe(`${subject} closing a connection with ${inFlight} requests in flight`, () => {
    for (const taken of [true, false])
      test(`loses and repeats nothing when the last is ${taken ? 'taken' : 'disowned'}`, async () => {
        const sandbox = bench.sandbox()
        await using channel = await bench.open()
        await channel.send(bench.messageTo(bench.recipient()), attempt())
        const recipients = Array.from({ length: inFlight }, bench.recipient)
        sandbox.script(recipients[inFlight / 2]!, [{ behave: 'goaway', taken }])
        const outcomes = await Promise.all(
          recipients.map((to) => channel.send(bench.messageTo(to), attempt())),
        )
        expect(outcomes.filter(({ is }) => is !== 'delivered')).toEqual([])
        const takenBy = Map.groupBy(
          sandbox.ledger.entries().filter((entry) => entry.taken),
          (entry) => entry.to,
        )
        for (const to of recipients) expect(takenBy.get(to)).toHaveLength(1)
      })

    test('says certainly not sent for a stream that was refused twice', async () => {
      const sandbox = bench.sandbox()
      await using channel = await bench.open()
      const to = bench.recipient()
      const refused = { behave: 'reset', taken: false } as const
      sandbox.script(to, [refused, refused])
      let begun = 0
      const outcome = await channel.send(
        bench.messageTo(to),
        attempt(2_000, () => void begun++),
      )
      expect(outcome).toMatchObject({ is: 'retry', code: 'stream-refused' })
      // Once for each of the two streams: between them somebody may have opted out.
      expect(begun).toBe(2)
    })
  })
