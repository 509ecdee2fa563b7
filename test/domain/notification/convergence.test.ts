import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Command } from '#domain/notification/commands.ts'
import { decide } from '#domain/notification/decide.ts'
import { lanes } from '#domain/notification/events.ts'
import { evolve, fold } from '#domain/notification/evolve.ts'
import { mergeAttempts } from '#domain/notification/merge.ts'
import { dueTimes, next } from '#domain/notification/next.ts'
import type { Notification, State } from '#domain/notification/state.ts'
import { deliveryStatus, statusOf } from '#domain/notification/status.ts'
import { UnknownEvent } from '#domain/recorded-fact.ts'
import {
  dispatched,
  type Fact,
  fact,
  hour,
  minute,
  notificationOf,
  recorded,
  requested,
  routed,
  t0,
} from '../../support/given.ts'
import { anyFact, deliveriesOf, toldFact } from './arbitrary-facts.ts'
import * as orders from './orders.ts'

const times = [0, 1, 50, 73, 1_000].map((hours) => t0 + hours * hour)

/** All that follows from a state. */
const consequences = (state: State) =>
  state && {
    status: statusOf(state),
    deliveries: state.deliveries.map((each) => deliveryStatus(state, each)),
    due: dueTimes(state),
    next: times.map((now) => lanes.map((lane) => next(state, lane, now))),
  }

const apart = (state: State) => state && ({ ...state, revision: 0 } satisfies Notification)

describe('folding', () => {
  test('answers for any sequence of known events', () => {
    fc.assert(
      fc.property(fc.array(anyFact, { maxLength: 30 }), (facts) => {
        expect(() => consequences(notificationOf(facts))).not.toThrow()
        expect(() => consequences(notificationOf([requested(), ...facts]))).not.toThrow()
        expect(() => consequences(notificationOf([requested(), routed(), ...facts]))).not.toThrow()
      }),
      { numRuns: 500 },
    )
  })

  test('is the same in one go and in two', () => {
    fc.assert(
      fc.property(fc.array(anyFact), fc.nat(20), (facts, at) => {
        const all = recorded([requested(), ...facts])
        expect(fold(all.slice(at), fold(all.slice(0, at)))).toEqual(fold(all))
      }),
    )
  })

  test('holds the revision of the last fact', () => {
    fc.assert(
      fc.property(fc.array(anyFact), (facts) => {
        expect(notificationOf([requested(), ...facts])?.revision).toBe(facts.length)
      }),
    )
  })

  test('passes over what lies before the request', () => {
    expect(notificationOf([routed(), dispatched()])).toBeUndefined()
  })

  test.each([
    ['an unknown type', { type: 'NotificationSung' }],
    ['a newer version', { schemaVersion: 2 }],
  ])('stops at %s, whatever came before', (_what, change) => {
    const [request, strange] = recorded([requested(), dispatched()])
    const newer = { ...strange!, ...change }
    expect(() => evolve(undefined, newer)).toThrow(UnknownEvent)
    expect(() => evolve(fold([request!]), newer)).toThrow(UnknownEvent)
    expect(() => evolve(undefined, { ...request!, ...change })).toThrow(UnknownEvent)
  })

  test('is changed by no fact that comes twice in a row', () => {
    fc.assert(
      fc.property(fc.array(anyFact), (facts) => {
        const once = [requested(), routed({ deliveries: deliveriesOf(2) }), ...facts]
        const twice = once.flatMap((each) => [each, each])
        expect(apart(notificationOf(twice))).toEqual(apart(notificationOf(once)))
      }),
    )
  })
})

/** Two deliveries, both sent up to four times. */
const sent = [
  ...[requested(), routed({ deliveries: deliveriesOf(2) })],
  ...[1, 2, 3, 4].flatMap((attempt) => [
    dispatched(attempt, { deliveryId: 'd1' }),
    dispatched(attempt, { deliveryId: 'd2' }),
  ]),
]

const told = fc.array(toldFact, { maxLength: 12 })
const shuffled = told.chain((facts) =>
  fc.tuple(fc.constant(facts), fc.shuffledSubarray(facts, { minLength: facts.length })),
)

describe('what is said of attempts', () => {
  test('ends the same in whatever order it comes', () => {
    fc.assert(
      fc.property(shuffled, ([facts, inOtherOrder]) => {
        const one = notificationOf([...sent, ...facts])!
        const other = notificationOf([...sent, ...inOtherOrder])!
        expect(consequences(other)).toEqual(consequences(one))
        const attempts = (state: Notification) => state.deliveries.map((each) => each.attempts)
        expect(attempts(other)).toEqual(attempts(one))
      }),
      { numRuns: 2_000 },
    )
  })

  test('ends the same when some of it is said again later', () => {
    const repeated = told.chain((facts) => fc.tuple(fc.constant(facts), fc.shuffledSubarray(facts)))
    fc.assert(
      fc.property(repeated, ([facts, again]) => {
        const once = notificationOf([...sent, ...facts])
        const twice = notificationOf([...sent, ...facts, ...again])
        expect(consequences(twice)).toEqual(consequences(once))
      }),
      { numRuns: 1_000 },
    )
  })

  test('merges by a rule that is commutative, associative and idempotent', () => {
    const attempt = fc
      .array(toldFact, { minLength: 1, maxLength: 3 })
      .map((facts) => facts.map((each) => ({ ...each, data: { ...each.data, attempt: 1 } })))
      .map((facts) => facts.map((each) => ({ ...each, data: { ...each.data, deliveryId: 'd1' } })))
      .map((facts) => notificationOf([...sent, ...facts])!.deliveries[0]!.attempts[0]!)
    fc.assert(
      fc.property(attempt, attempt, attempt, (a, b, c) => {
        expect(mergeAttempts(a, b)).toEqual(mergeAttempts(b, a))
        const left = mergeAttempts(mergeAttempts(a, b), c)
        expect(left).toEqual(mergeAttempts(a, mergeAttempts(b, c)))
        expect(mergeAttempts(a, a)).toEqual(a)
      }),
      { numRuns: 1_000 },
    )
  })
})

/** Decides each in turn, as handlers do. */
const afterwards = (facts: readonly Fact[], commands: readonly Command[]): State => {
  const all = [...facts]
  for (const command of commands) {
    const events = decide(notificationOf(all), command)
    all.push(...events.map(({ type, data }) => fact(type, data, t0 + 5 * minute)))
  }
  return notificationOf(all)
}

describe('an answer, a time-out and receipts', () => {
  const why = { code: '1', reason: 'said so' }
  const final = ['permanent', 'endpoint-invalid', 'opted-out'] as const
  const outcomes = ['retry', ...final] as const
  const answers = fc.oneof(
    fc.constantFrom('accepted', 'delivered').map((is) => ({ is })),
    fc.constantFrom(...outcomes, 'ambiguous', 'config').map((is) => ({ is, ...why })),
  ) as fc.Arbitrary<Parameters<typeof orders.answer>[0]>
  const receipts = fc.oneof(
    fc.constant({ is: 'delivered' as const }),
    fc.constantFrom('ambiguous' as const, ...final).map((is) => ({ is, ...why })),
  )
  const commands = fc
    .record({ answer: fc.option(answers), receipts: fc.array(receipts, { maxLength: 4 }) })
    .chain((said) => {
      const all = [
        ...(said.answer ? [orders.answer(said.answer)] : []),
        ...[orders.resolve(), ...said.receipts.map((each) => orders.receipt(each))],
      ]
      const shuffle = fc.shuffledSubarray(all, { minLength: all.length })
      return fc.tuple(shuffle, shuffle)
    })

  test('end in the same status in whatever order they come and are decided on', () => {
    fc.assert(
      fc.property(commands, fc.boolean(), ([one, other], noResend) => {
        const facts = [requested(noResend ? { noResend: true } : {}), ...[routed(), dispatched()]]
        expect(statusOf(afterwards(facts, other)!)).toBe(statusOf(afterwards(facts, one)!))
      }),
      { numRuns: 2_000 },
    )
  })
})
