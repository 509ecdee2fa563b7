import { describe, expect, test } from 'vitest'
import {
  accepted,
  delivered,
  dispatched,
  type Fact,
  failed,
  notificationOf,
  pushDelivery,
  requested,
  resolved,
  routed,
  suppressed,
  t0,
  unconfirmed,
} from '../../support/given.ts'

const attemptsAfter = (...facts: readonly Fact[]) =>
  notificationOf([requested(), routed(), ...facts])!.deliveries[0]!.attempts

/** The weakest first: each outdoes all before it. */
const ranks: readonly (readonly [string, Fact])[] = [
  ['that no answer came', resolved(1)],
  ['an answer that leaves it open', failed(1, { outcome: 'ambiguous', code: 'z' })],
  ['an answer to try again', failed(1)],
  ['an answer that accepts', accepted(1)],
  ['a receipt to try again', failed(1, { evidence: 'receipt', code: 'a' })],
  ['a receipt that it failed for good', failed(1, { evidence: 'receipt', final: true, code: 'z' })],
  ['that it was delivered', delivered(1)],
]
const pairs = ranks.flatMap(([weak, weaker], index) =>
  ranks.slice(index + 1).map(([strong, stronger]) => ({ weak, weaker, strong, stronger })),
)

describe('of two facts about one attempt', () => {
  test.each(pairs)('$strong outdoes $weak', ({ weaker, stronger }) => {
    const alone = attemptsAfter(dispatched(), stronger)
    expect(attemptsAfter(dispatched(), weaker, stronger)).toEqual(alone)
    expect(attemptsAfter(dispatched(), stronger, weaker)).toEqual(alone)
  })

  test('an opt-out after the fence outdoes that no answer came', () => {
    const alone = attemptsAfter(dispatched(), suppressed(1))
    expect(attemptsAfter(dispatched(), resolved(1), suppressed(1))).toEqual(alone)
    expect(attemptsAfter(dispatched(), suppressed(1), resolved(1))).toEqual(alone)
  })

  test("the weaker one's message id is kept", () => {
    const id = { providerMessageId: 'SM1' }
    const [attempt] = attemptsAfter(dispatched(), accepted(1, id), delivered(1))
    expect(attempt).toMatchObject({ outcome: 'delivered', ...id })
  })

  test('that its receipt was overdue is kept beside a later one', () => {
    const [attempt] = attemptsAfter(dispatched(), accepted(), unconfirmed(), delivered())
    expect(attempt).toMatchObject({ outcome: 'delivered', unconfirmed: true })
  })
})

describe('the attempts of a delivery', () => {
  test('are in the order of their numbers, whatever was recorded first', () => {
    const attempts = attemptsAfter(dispatched(2), delivered(3), dispatched(1))
    expect(attempts.map((each) => each.number)).toEqual([1, 2, 3])
  })

  test('keep when they began, whatever is said of them', () => {
    const [attempt] = attemptsAfter(dispatched(1, { at: t0 + 7 }), accepted(), delivered())
    expect(attempt).toMatchObject({ at: t0 + 7, contentHash: 'c1' })
  })

  test('are known from what is said of them, when nothing else is', () =>
    expect(attemptsAfter(delivered(1))).toMatchObject([{ number: 1, outcome: 'delivered' }]))

  test('are not lost to a second routing', () => {
    const again = routed({ deliveries: [pushDelivery] })
    expect(attemptsAfter(dispatched(), again)).toEqual(attemptsAfter(dispatched()))
  })
})
