import { describe, expect, test } from 'vitest'
import { lanes } from '#domain/notification/events.ts'
import { dueTimes, next } from '#domain/notification/next.ts'
import { isOpen, statusOf } from '#domain/notification/status.ts'
import {
  accepted,
  cancelled,
  deferred,
  dispatched,
  expired,
  failed,
  hour,
  iso,
  minute,
  notificationOf,
  parked,
  pushDelivery,
  redriven,
  requested,
  resolved,
  routed,
  second,
  smsDelivery,
  t0,
  unconfirmed,
} from '../../support/given.ts'
import { states } from './states.ts'

const sms = (facts: Parameters<typeof notificationOf>[0], at: number) =>
  next(notificationOf(facts), 'sms', at).map((action) => action.do)

const always = t0 + 10_000 * hour

describe.each(Object.entries(states))('for a notification that is %s,', (_name, named) => {
  const state = notificationOf(named.facts)
  const everything = (at: number) => lanes.flatMap((lane) => next(state, lane, at))

  if (named.due === undefined) {
    test('nothing is ever due', () => {
      expect(everything(always)).toEqual([])
      expect(state ? dueTimes(state) : {}).toEqual({})
    })
    return
  }
  const [afterMs, action] = named.due

  test(`the agenda says when to ${action}`, () => {
    const lane = state!.routed ? 'sms' : 'route'
    expect(dueTimes(state!)).toEqual({ [lane]: t0 + afterMs })
    expect(isOpen(statusOf(state!))).toBe(true)
  })

  test(`nothing happens before it is time to ${action}`, () => {
    expect(everything(t0 + afterMs - 1)).toEqual([])
    expect(everything(t0 + afterMs).map((each) => each.do)).toEqual([action])
  })
})

describe('what happens next', () => {
  const brief = requested({ expiresAt: iso(t0 + hour) })
  const open = [brief, routed(), dispatched(1, { deadline: iso(t0 + 2 * hour) })]

  test('an open attempt is left alone until 15 s after its deadline, whatever else is due', () => {
    const deadline = t0 + 2 * hour
    expect(sms(open, deadline)).toEqual([])
    expect(sms(open, deadline + 15 * second - 1)).toEqual([])
    expect(sms(open, deadline + 15 * second)).toEqual(['resolve'])
    expect(sms(open, deadline + 100 * hour)).toEqual(['resolve'])
    expect(sms([...open, cancelled({ deliveries: [] })], always)).toEqual(['resolve'])
  })

  test('the attempt to resolve is named', () => {
    const facts = [requested(), routed(), dispatched(), failed(1), dispatched(2)]
    const resolve = { do: 'resolve', deliveryId: 'd1', attempt: 2 }
    expect(next(notificationOf(facts), 'sms', always)).toEqual([resolve])
  })

  test('what was cancelled is neither expired nor parked nor sent', () => {
    expect(sms([brief, routed(), cancelled()], always)).toEqual([])
    expect(sms([requested(), routed(), dispatched(), failed(1), cancelled()], always)).toEqual([])
  })

  test('an overdue receipt comes before expiry and parking', () => {
    const awaiting = [brief, routed(), dispatched(), accepted()]
    expect(sms(awaiting, t0 + 9 * hour)).toEqual([])
    expect(sms(awaiting, always)).toEqual(['unconfirm'])
    expect(sms([...awaiting, unconfirmed()], always)).toEqual([])
  })

  test('the receipt that is due first is called overdue first', () => {
    const twice = [
      ...[requested(), routed(), dispatched(), resolved(1), dispatched(2), accepted(2)],
      accepted(1, { at: t0 + 2 * hour }),
    ]
    const overdue = (attempt: number) => [{ do: 'unconfirm', deliveryId: 'd1', attempt }]
    expect(next(notificationOf(twice), 'sms', always)).toEqual(overdue(2))
    const once = [...twice, unconfirmed(2)]
    expect(next(notificationOf(once), 'sms', always)).toEqual(overdue(1))
    expect(dueTimes(notificationOf(once)!)).toEqual({ sms: t0 + 12 * hour })
  })

  test('expiry comes before parking, also for what is deferred or to be retried', () => {
    expect(sms([brief, routed()], always)).toEqual(['expire'])
    expect(sms([brief, routed(), deferred({ until: iso(always) })], t0 + hour)).toEqual(['expire'])
    const retrying = [brief, routed(), dispatched(), failed(1, { retryAt: iso(always) })]
    expect(sms(retrying, t0 + hour - 1)).toEqual([])
    expect(sms(retrying, t0 + hour)).toEqual(['expire'])
  })

  test('what is open for 72 hours is parked, also when it is not yet due', () => {
    expect(sms([requested(), routed()], t0 + 72 * hour - 1)).toEqual(['dispatch'])
    expect(sms([requested(), routed()], t0 + 72 * hour)).toEqual(['park'])
    const later = [requested(), routed(), dispatched(), failed(1, { retryAt: iso(always) })]
    expect(sms(later, t0 + 72 * hour - 1)).toEqual([])
    expect(sms(later, t0 + 72 * hour)).toEqual(['park'])
  })

  test('the 72 hours begin when it could be sent first', () => {
    const scheduled = [requested({ sendAt: iso(t0 + 100 * hour) })]
    const route = (at: number) => next(notificationOf(scheduled), 'route', at)
    expect(route(t0 + 100 * hour - 1)).toEqual([])
    expect(route(t0 + 100 * hour)).toEqual([{ do: 'route' }])
    expect(route(t0 + 172 * hour - 1)).toEqual([{ do: 'route' }])
    expect(route(t0 + 172 * hour)).toEqual([{ do: 'park' }])
  })

  test('a retry waits for its time', () => {
    const retrying = [requested(), routed(), dispatched(), failed(1)]
    expect(sms(retrying, t0 + 2 * minute - 1)).toEqual([])
    expect(sms(retrying, t0 + 2 * minute)).toEqual(['dispatch'])
  })

  test('a deferral never shortens what the provider asked for', () => {
    const later = failed(1, { retryAt: iso(t0 + 5 * hour) })
    const facts = [requested(), routed(), dispatched(), resolved(1), deferred(), later]
    expect(sms(facts, t0 + 5 * hour - 1)).toEqual([])
    expect(dueTimes(notificationOf(facts)!)).toEqual({ sms: t0 + 5 * hour })
    const early = [requested({ sendAt: iso(t0 + 5 * hour) }), deferred({ deliveries: [] })]
    expect(dueTimes(notificationOf(early)!)).toEqual({ route: t0 + 5 * hour })
  })

  test('what waits for a person is parked at once, also when it was deferred', () => {
    const stuck = failed(1, { outcome: 'ambiguous', retryAt: undefined })
    const facts = [requested(), routed(), dispatched(), deferred(), stuck]
    const dueAt = t0 + minute + second
    expect(sms(facts, dueAt)).toEqual(['park'])
    expect(dueTimes(notificationOf(facts)!)).toEqual({ sms: dueAt })
  })

  test('what was closed stays closed', () => {
    expect(sms([requested(), routed(), parked()], always)).toEqual([])
    expect(sms([requested(), routed(), expired()], always)).toEqual([])
  })

  test('of a routed notification never concerns the route lane', () => {
    expect(next(notificationOf([requested(), routed()]), 'route', always)).toEqual([])
    expect(next(notificationOf([requested()]), 'sms', always)).toEqual([])
  })

  test('of nothing is nothing', () => expect(next(undefined, 'route', always)).toEqual([]))
})

describe('a due time with a grace for what the relay tells anyway', () => {
  const grace = 30 * second
  const due = (facts: Parameters<typeof notificationOf>[0]) =>
    dueTimes(notificationOf(facts)!, grace)

  test('comes that much later for a fresh routing and a fresh delivery', () => {
    expect(due([requested()])).toEqual({ route: t0 + grace })
    expect(due([requested(), routed()])).toEqual({ sms: t0 + grace })
  })

  test('is exact for what no event announces', () => {
    expect(due([requested({ sendAt: iso(t0 + hour) })])).toEqual({ route: t0 + hour })
    expect(due([requested(), deferred({ deliveries: [] })])).toEqual({ route: t0 + hour })
    expect(due([requested(), routed(), deferred()])).toEqual({ sms: t0 + hour })
    expect(due([requested(), routed(), dispatched(), failed(1)])).toEqual({ sms: t0 + 2 * minute })
    const redrivenAt = t0 + 3 * hour
    expect(due([requested(), routed(), parked(), redriven()])).toEqual({ sms: redrivenAt })
  })

  test('never lies after the expiry', () => {
    const soon = requested({ expiresAt: iso(t0 + second) })
    expect(due([soon])).toEqual({ route: t0 + second })
    expect(due([soon, routed()])).toEqual({ sms: t0 + second })
  })
})

describe('several deliveries', () => {
  const third = { ...smsDelivery, deliveryId: 'd3' }
  const deliveries = [smsDelivery, pushDelivery, third]
  const facts = [
    ...[requested(), routed({ deliveries }), dispatched(), failed(1)],
    dispatched(1, { deliveryId: 'd2' }),
  ]

  test('give one action each, on the lane of their channel', () => {
    const state = notificationOf(facts)
    const dispatchOf = (deliveryId: string) => ({ do: 'dispatch', deliveryId })
    expect(next(state, 'sms', t0 + minute)).toEqual([dispatchOf('d3')])
    expect(next(state, 'sms', t0 + 2 * minute)).toEqual([dispatchOf('d1'), dispatchOf('d3')])
    expect(next(state, 'push', t0 + 2 * minute).map((each) => each.do)).toEqual(['resolve'])
    expect(next(state, 'email', always)).toEqual([])
  })

  test('give each lane its earliest due time', () => {
    const resolveAt = t0 + minute + 30 * second
    expect(dueTimes(notificationOf(facts)!)).toEqual({ sms: t0, push: resolveAt })
    const gone = [...facts, dispatched(1, { deliveryId: 'd3', deadline: iso(t0 + hour) })]
    expect(dueTimes(notificationOf(gone)!)).toEqual({ sms: t0 + 2 * minute, push: resolveAt })
  })
})
