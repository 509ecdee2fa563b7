import { describe, expect, test } from 'vitest'
import { cancellable } from '#domain/notification/decide.ts'
import type { PlannedDelivery } from '#domain/notification/events.ts'
import { next } from '#domain/notification/next.ts'
import { deliveryStatus, statusOf } from '#domain/notification/status.ts'
import {
  accepted,
  cancelled,
  deferred,
  delivered,
  dispatched,
  expired,
  type Fact,
  failed,
  given,
  hour,
  iso,
  notificationOf,
  parked,
  redriven,
  requested,
  resolved,
  routed,
  smsDelivery,
  suppressed,
  t0,
  unconfirmed,
} from '../../support/given.ts'
import * as orders from './orders.ts'

const permanent = { outcome: 'permanent', final: true } as const

/** One delivery in each place, in one notification. */
const ways: Readonly<Record<string, (deliveryId: string) => readonly Fact[]>> = {
  routed: () => [],
  deferred: (id) => [deferred({ deliveries: [id] })],
  retrying: (id) => [dispatched(1, { deliveryId: id }), failed(1, { deliveryId: id })],
  lost: (id) => [dispatched(1, { deliveryId: id }), resolved(1, { deliveryId: id })],
  dispatched: (id) => [dispatched(1, { deliveryId: id })],
  accepted: (id) => [dispatched(1, { deliveryId: id }), accepted(1, { deliveryId: id })],
  unconfirmed: (id) => [
    ...[dispatched(1, { deliveryId: id }), accepted(1, { deliveryId: id })],
    unconfirmed(1, { deliveryId: id }),
  ],
  delivered: (id) => [dispatched(1, { deliveryId: id }), delivered(1, { deliveryId: id })],
  'delivered late': (id) => [
    ...[dispatched(1, { deliveryId: id }), resolved(1, { deliveryId: id })],
    ...[dispatched(2, { deliveryId: id }), delivered(1, { deliveryId: id })],
  ],
  bounced: (id) => [
    ...[dispatched(1, { deliveryId: id }), accepted(1, { deliveryId: id })],
    failed(1, { deliveryId: id, ...permanent, evidence: 'receipt' }),
  ],
  failed: (id) => [dispatched(1, { deliveryId: id }), failed(1, { deliveryId: id, ...permanent })],
  unknown: (id) => [
    dispatched(1, { deliveryId: id }),
    resolved(1, { deliveryId: id, final: true }),
  ],
  suppressed: (id) => [dispatched(1, { deliveryId: id }), suppressed(1, { deliveryId: id })],
  expired: (id) => [expired({ deliveries: [id] })],
  parked: (id) => [parked({ deliveries: [id] })],
}

const names = Object.keys(ways)
const deliveries = names.map((deliveryId): PlannedDelivery => ({ ...smsDelivery, deliveryId }))
const everywhere = [requested(), routed({ deliveries }), ...names.flatMap((id) => ways[id]!(id))]
const waiting = ['routed', 'deferred', 'retrying', 'lost', 'parked']

const statusesAfter = (facts: readonly Fact[], ids: readonly string[]) => {
  const state = notificationOf(facts)!
  return state.deliveries
    .filter((each) => ids.includes(each.deliveryId))
    .map((each) => deliveryStatus(state, each))
}

describe('cancelling', () => {
  test('stops what has not left, and names it', () =>
    given(...everywhere)
      .when(orders.cancel())
      .thenEvents(cancelled({ deliveries: waiting })))

  test('answers what could be stopped, what has left and what may have', () =>
    expect(cancellable(notificationOf(everywhere)!)).toEqual({
      stoppable: waiting,
      left: ['accepted', 'unconfirmed', 'delivered', 'delivered late'],
      mayHaveLeft: ['lost', 'dispatched', 'unknown'],
    }))

  test('changes nothing for what it did not stop', () => {
    const rest = names.filter((name) => !waiting.includes(name))
    const after = [...everywhere, cancelled({ deliveries: waiting })]
    expect(statusesAfter(after, rest)).toEqual(statusesAfter(everywhere, rest))
    expect(new Set(statusesAfter(after, waiting))).toEqual(new Set(['cancelled']))
  })

  test('before the routing stops everything', () => {
    given(requested())
      .when(orders.cancel())
      .thenEvents(cancelled({ deliveries: [] }))
    given(requested(), cancelled({ deliveries: [] }))
      .when(orders.route())
      .thenNothing()
  })

  test('lets an attempt under way end, and sends it no more', () => {
    const stopped = [
      ...[requested(), routed(), dispatched(), cancelled({ deliveries: [] })],
      failed(1),
    ]
    expect(statusOf(notificationOf(stopped)!)).toBe('cancelled')
    expect(next(notificationOf(stopped), 'sms', t0 + 100 * hour)).toEqual([])
  })

  test('is recorded when everything was accepted: a failing receipt then starts no resend', () => {
    const sent = [requested(), routed(), dispatched(), accepted()]
    given(...sent)
      .when(orders.cancel())
      .thenEvents(cancelled({ deliveries: [] }))
    const bounced = [...sent, cancelled({ deliveries: [] }), failed(1, { evidence: 'receipt' })]
    expect(statusOf(notificationOf(bounced)!)).toBe('cancelled')
  })

  test('twice changes nothing', () =>
    given(...everywhere, cancelled({ deliveries: waiting }))
      .when(orders.cancel())
      .thenNothing())
})

describe('redriving', () => {
  test('takes what was parked or failed, and neither what left nor what was unwanted', () =>
    given(...everywhere)
      .when(orders.redrive())
      .thenEvents(redriven({ deliveries: ['bounced', 'failed', 'parked'] })))

  test('takes what may have been sent only with force', () =>
    given(...everywhere)
      .when(orders.redrive({ force: true }))
      .thenEvents(
        redriven({ deliveries: ['bounced', 'failed', 'unknown', 'parked'], force: true }),
      ))

  const exhausted = [
    ...[requested(), routed(), dispatched(), failed(1), dispatched(2), failed(2)],
    parked(),
  ]

  test('keeps the numbers of the attempts', () =>
    given(...exhausted, redriven())
      .when(orders.dispatch({ deadline: Date.parse(String(dispatched(3).data.deadline)) }))
      .thenEvents(dispatched(3)))

  test('makes it due at once, whatever it waited for', () => {
    const at = t0 + 3 * hour
    const putOff = deferred({ until: iso(t0 + 9 * hour) })
    const state = notificationOf([...exhausted.slice(0, -1), putOff, parked(), redriven({ at })])
    expect(next(state, 'sms', at)).toEqual([{ do: 'dispatch', deliveryId: 'd1' }])
  })

  test('gives it another 72 hours', () => {
    const late = t0 + 80 * hour
    const state = notificationOf([requested(), routed(), parked(), redriven({ at: late })])
    expect(next(state, 'sms', late + 71 * hour)).toEqual([{ do: 'dispatch', deliveryId: 'd1' }])
    expect(next(state, 'sms', late + 72 * hour)).toEqual([{ do: 'park', deliveryId: 'd1' }])
  })

  test('sends what was given up after too many unknown fates', () => {
    const stuck = resolved(1, { retryAt: undefined })
    const facts = [requested(), routed(), dispatched(), stuck, parked(), redriven()]
    const dispatch = { do: 'dispatch', deliveryId: 'd1' }
    expect(next(notificationOf(facts), 'sms', t0 + 3 * hour)).toEqual([dispatch])
  })

  test('forgives failures for good, so that it is routed anew', () => {
    const facts = [requested(), routed(), dispatched(), failed(1, permanent), redriven()]
    expect(statusOf(notificationOf(facts)!)).toBe('routed')
  })

  test('is undone by a late answer that it was accepted', () => {
    const unknown = [
      ...[requested({ noResend: true }), routed(), dispatched()],
      ...[resolved(1, { final: true }), redriven({ force: true }), accepted(1)],
    ]
    expect(statusOf(notificationOf(unknown)!)).toBe('accepted')
  })

  test('of a notification parked before its routing routes it again', () => {
    given(requested(), parked({ deliveries: [] }))
      .when(orders.redrive())
      .thenEvents(redriven({ deliveries: [] }))
  })

  test('can be repeated after it was parked again', () => {
    const again = redriven({ at: t0 + 9 * hour })
    given(...exhausted, redriven(), parked())
      .when(orders.redrive())
      .thenEvents(again)
  })

  test('of what was cancelled changes nothing', () => {
    const stopped = [...everywhere, cancelled({ deliveries: waiting })]
    given(...stopped)
      .when(orders.redrive({ force: true }))
      .thenNothing()
  })
})
