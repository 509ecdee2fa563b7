import { describe, expect, test } from 'vitest'
import type { Attempt, Outcome } from '#ports/channel.ts'
import type { ScriptedAnswer } from '#sandbox/answers.ts'
import { attempt } from './channel-bench.ts'

export interface Hostile {
  /** Scripts a recipient of its own and sends to it. */
  send(answers: readonly ScriptedAnswer[], attempt: Attempt): Promise<Outcome>
}

const deadlineMs = 300
const graceMs = 700

const untilDeadline = ['silent', 'drip'] as const
const atOnce = ['cut', 'nonsense', 'huge', 'hangup', 'reset'] as const

/** What a provider, or what stands in front of it, does on a bad day. */
export const describeHostility = (subject: string, { send }: Hostile) =>
  describe(subject, () => {
    for (const behave of [...untilDeadline, ...atOnce])
      test(`${behave} ends by the deadline and is ambiguous`, async () => {
        const from = performance.now()
        const outcome = await send([{ behave, taken: true }], attempt(deadlineMs))
        expect(performance.now() - from).toBeLessThan(deadlineMs + graceMs)
        expect(outcome.is).toBe('ambiguous')
      })

    test('200 MB fifty times cost no memory', async () => {
      await send([], attempt())
      const before = process.memoryUsage()
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, () => send([{ behave: 'huge', taken: true }], attempt(3_000))),
      )
      const after = process.memoryUsage()
      expect(new Set(outcomes.map(({ is }) => is))).toEqual(new Set(['ambiguous']))
      const grownBytes = after.rss - before.rss
      expect(grownBytes).toBeLessThan(150 * 1_048_576)
    })

    test('the next send goes through', async () => {
      expect(['delivered', 'accepted']).toContain((await send([], attempt())).is)
    })

    test('an answer nobody knows is ambiguous and named', async () => {
      const body = '{"reason":"Canary: to +15550001111","code":99999}'
      const outcome = await send([{ status: 418, body, taken: true }], attempt())
      expect(outcome).toMatchObject({ is: 'ambiguous', code: 'unknown-answer' })
      expect(JSON.stringify(outcome)).not.toContain('+1555')
    })

    test('a deadline that is over sends nothing', async () => {
      let begun = 0
      const over = { ...attempt(), signal: AbortSignal.abort(), onFirstByte: () => void begun++ }
      const outcome = await send([], over)
      expect(outcome).toMatchObject({ is: 'retry', code: 'deadline-before-sending' })
      expect(begun).toBe(0)
    })

    test('tells before the first byte and after the last, and can be kept back before', async () => {
      const told: string[] = []
      const onFirstByte = () => void told.push('first byte')
      const onWritten = () => void told.push('written')
      await send([], { ...attempt(), onFirstByte, onWritten })
      expect(told).toEqual(['first byte', 'written'])
      const outcome = await send(
        [],
        attempt(5_000, () => {
          throw new Error('not any more')
        }),
      )
      expect(outcome).toMatchObject({ is: 'retry', code: 'withheld' })
    })
  })
