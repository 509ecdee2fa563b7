import { expect } from 'vitest'
import type { Attempt, Message, Outcome } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'

/** Real time: what is tested here are real sockets. */
export const realClock: Pick<Clock, 'now' | 'monotonic'> = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

let attempts = 0

/** A number that no other test of this file has had. */
export const unique = (): number => ++attempts

export const attempt = (deadlineMs = 5_000, onFirstByte?: () => void): Attempt => ({
  deliveryId: 'd1',
  number: 1,
  signal: AbortSignal.timeout(deadlineMs),
  ...(onFirstByte === undefined ? {} : { onFirstByte }),
})

const shown = { title: 'Canary-title', body: 'Canary-body', subject: 'Canary-subject' }

export const messageTo = (to: Message['to'], changes: Partial<Message> = {}): Message => ({
  channel: to.kind === 'device' ? 'push' : to.kind === 'phone' ? 'sms' : 'email',
  app: 'default',
  to,
  content: shown,
  priority: 'normal',
  collapseId: 'c'.repeat(43),
  deliveryUuid: 'f4b8c1c8-2f1a-4c57-9d6b-0a1b2c3d4e5f',
  ref: `n${unique()}.d1.1.signature`,
  ...changes,
})

export const reasonOf = (outcome: Outcome): string => ('reason' in outcome ? outcome.reason : '')

export const codeOf = (outcome: Outcome): string => ('code' in outcome ? outcome.code : '')

/** No outcome may give away what was sent, to whom, or under which key. */
export const expectNoSecrets = (outcomes: readonly Outcome[], secrets: readonly string[]): void => {
  const text = JSON.stringify(outcomes)
  for (const secret of [...secrets, ...Object.values(shown)]) expect(text).not.toContain(secret)
  for (const outcome of outcomes) expect(reasonOf(outcome).length).toBeLessThanOrEqual(200)
}

/** An address at which nobody listens: the port was free a moment ago. */
export const closedPort = async (): Promise<number> => {
  const { createServer } = await import('node:net')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 1
}
