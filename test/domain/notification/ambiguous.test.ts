import { describe, expect, test } from 'vitest'
import { next } from '#domain/notification/next.ts'
import { statusOf } from '#domain/notification/status.ts'
import {
  accepted,
  delivered,
  dispatched,
  type Fact,
  failed,
  given,
  hour,
  iso,
  minute,
  notificationOf,
  parked,
  redriven,
  requested,
  resolved,
  routed,
  second,
  t0,
} from '../../support/given.ts'
import * as orders from './orders.ts'

const now = t0 + 5 * minute
/** Until then a receipt may tell. */
const patience = 2 * minute
const start = [requested(), routed()]

/** The first n attempts were made and got lost. */
const lostTimes = (times: number): readonly Fact[] =>
  Array.from({ length: times }, (_, index) => [dispatched(index + 1), resolved(index + 1)]).flat()

const unsure = { outcome: 'ambiguous', code: 'ECONNRESET', reason: 'reset after the body' } as const

describe('an attempt whose fate is unknown', () => {
  test.each([
    [1, patience + second],
    [2, patience + 2 * second],
  ])('is sent again after %i such attempts where a repetition is seen', (attempt, delayMs) => {
    const facts = [...start, ...lostTimes(attempt - 1), dispatched(attempt)]
    given(...facts)
      .when(orders.answer(orders.lost, { attempt }))
      .thenEvents(failed(attempt, { ...unsure, retryAt: iso(now + delayMs) }))
    given(...facts)
      .when(orders.resolve({ attempt }))
      .thenEvents(resolved(attempt, { retryAt: iso(now + delayMs) }))
  })

  test('waits for a person after two resends where a repetition is seen', () => {
    const facts = [...start, ...lostTimes(2), dispatched(3)]
    const stopped = { ...unsure, retryAt: undefined }
    given(...facts)
      .when(orders.answer(orders.lost, { attempt: 3 }))
      .thenEvents(failed(3, stopped))
    given(...facts)
      .when(orders.resolve({ attempt: 3 }))
      .thenEvents(resolved(3, { retryAt: undefined }))
    const state = notificationOf([...facts, failed(3, stopped)])
    expect(next(state, 'sms', now)).toEqual([{ do: 'park', deliveryId: 'd1' }])
    expect(statusOf(notificationOf([...facts, failed(3, stopped), parked()])!)).toBe('parked')
  })

  test('is sent again for ever where a repetition replaces the first message', () => {
    const facts = [...start, ...lostTimes(8), dispatched(9)]
    given(...facts)
      .when(orders.answer(orders.lost, { attempt: 9, policy: orders.collapsingPolicy }))
      .thenEvents(failed(9, { ...unsure, retryAt: iso(now + minute) }))
  })

  test('is not counted with those that were certainly not sent', () => {
    const facts = [
      ...[...start, ...lostTimes(1), dispatched(2), failed(2), dispatched(3), failed(3)],
      dispatched(4),
    ]
    given(...facts)
      .when(orders.answer(orders.lost, { attempt: 4 }))
      .thenEvents(failed(4, { ...unsure, retryAt: iso(now + patience + 8 * second) }))
  })

  test('no longer counts once a late answer says it was not sent', () => {
    const facts = [...start, ...lostTimes(2), failed(1), dispatched(3)]
    given(...facts)
      .when(orders.answer(orders.lost, { attempt: 3 }))
      .thenEvents(failed(3, { ...unsure, retryAt: iso(now + patience + 4 * second) }))
  })

  test('is forgiven by a redrive', () => {
    const facts = [...start, ...lostTimes(3), parked(), redriven(), dispatched(4)]
    given(...facts)
      .when(orders.answer(orders.lost, { attempt: 4 }))
      .thenEvents(failed(4, { ...unsure, retryAt: iso(now + patience + second) }))
  })

  test.each([
    ['where a repetition is seen', orders.smsPolicy],
    ['where it replaces the first message', orders.collapsingPolicy],
  ])('ends as unknown when the template forbids a resend, %s', (_where, policy) => {
    const facts = [requested({ noResend: true }), routed(), dispatched()]
    given(...facts)
      .when(orders.answer(orders.lost, { policy }))
      .thenEvents(failed(1, { ...unsure, final: true }))
    given(...facts)
      .when(orders.resolve({ policy }))
      .thenEvents(resolved(1, { final: true }))
    expect(statusOf(notificationOf([...facts, resolved(1, { final: true })])!)).toBe('unknown')
  })

  test.each([
    ['of which the answer said nothing', [failed(1, unsure)]],
    ['that was declared lost', [resolved(1)]],
    ['that is still open', []],
  ])('%s is settled by a receipt that says the provider has it', (_which, doubt) => {
    const order = { providerMessageId: 'SM1' }
    given(...start, dispatched(), ...doubt)
      .when(orders.receipt({ is: 'accepted' }, order))
      .thenEvents(accepted(1, { ...order, receiptDueAt: iso(now + 10 * hour) }))
    const state = notificationOf([...start, dispatched(), ...doubt, accepted()])!
    expect(statusOf(state)).toBe('accepted')
    expect(next(state, 'sms', now + 5 * minute)).toEqual([])
  })

  test.each([
    ['known to be on its way', [accepted()]],
    ['certainly not sent', [failed(1)]],
    ['delivered', [accepted(), delivered()]],
    ['reported as lost on its way', [accepted(), failed(1, { ...unsure, evidence: 'receipt' })]],
  ])('when it is %s, such a receipt adds nothing', (_what, facts) =>
    given(...start, dispatched(), ...facts)
      .when(orders.receipt({ is: 'accepted' }))
      .thenNothing(),
  )

  test('is declared lost only when nothing was said of it', () => {
    given(...start, dispatched(), failed(1))
      .when(orders.resolve())
      .thenNothing()
    given(...start, dispatched())
      .when(orders.resolve({ attempt: 2 }))
      .thenNothing()
  })
})
