import { describe, expect, test } from 'vitest'
import {
  accepted,
  cancelled,
  deferred,
  dispatched,
  expired,
  failed,
  given,
  hour,
  iso,
  minute,
  notificationOf,
  parked,
  pushDelivery,
  redriven,
  requestData,
  requested,
  resolved,
  routed,
  second,
  suppressed,
  t0,
  unconfirmed,
} from '../../support/given.ts'
import * as orders from './orders.ts'

describe('requesting a notification', () => {
  test('records it with what is personal kept apart', () =>
    given().when(orders.request()).thenEvents(requested()))

  test('under a known id changes nothing, whatever the body says', () => {
    const data = { ...requestData, fingerprint: 'another' }
    given(requested()).when(orders.request({ data })).thenNothing()
  })

  test.each([0, 1, hour])('that expires %i ms before it is to be sent is refused', (ms) => {
    const data = { ...requestData, sendAt: iso(t0 + hour), expiresAt: iso(t0 + hour - ms) }
    given()
      .when(orders.request({ data }))
      .thenRefused('notification/expired-before-sent', '/expiresAt')
  })

  test('that expires after it is to be sent is fine', () => {
    const times = { sendAt: iso(t0 + hour), expiresAt: iso(t0 + hour + 1) }
    given()
      .when(orders.request({ data: { ...requestData, ...times } }))
      .thenEvents(requested(times))
  })

  test('keeps nothing personal in the state that becomes the read model', () =>
    expect(JSON.stringify(notificationOf([requested(), routed(), dispatched()]))).not.toMatch(
      /Mina"|\+8210/,
    ))
})

describe('routing', () => {
  test('records the deliveries, what was passed over and the locale', () => {
    const passedOver = [
      {
        endpoint: pushDelivery.endpoint,
        reason: 'opted-out' as const,
        rule: 'preferences.receive',
        seen: { revision: 1 },
      },
    ]
    given(requested())
      .when(orders.route({ passedOver, locale: 'en', localeAsked: 'fr-CA' }))
      .thenEvents(routed({ passedOver, locale: 'en', localeAsked: 'fr-CA' }))
  })

  test('to nobody is recorded too: it says why nothing was sent', () =>
    given(requested())
      .when(orders.route({ deliveries: [] }))
      .thenEvents(routed({ deliveries: [] })))

  test('ends a deferral of the whole notification', () => {
    const state = notificationOf([requested(), deferred({ deliveries: [] }), routed()])
    expect(state).not.toHaveProperty('deferredUntil')
    expect(state).not.toHaveProperty('deferReason')
  })
})

describe('dispatching', () => {
  test('writes the attempt down before its first byte, with where it goes kept apart', () =>
    given(requested(), routed())
      .when(orders.dispatch({ deadline: t0 + minute + 15 * second }))
      .thenEvents(dispatched(1)))

  test('numbers attempts without gaps', () =>
    given(requested(), routed(), dispatched(), failed(1), dispatched(2), resolved(2))
      .when(orders.dispatch({ deadline: t0 + 3 * minute + 15 * second }))
      .thenEvents(dispatched(3)))

  test('ends a deferral of its delivery', () => {
    const state = notificationOf([requested(), routed(), deferred(), dispatched()])!
    expect(state.deliveries[0]).not.toHaveProperty('deferredUntil')
    expect(state.deliveries[0]).not.toHaveProperty('deferReason')
  })

  test('concerns one delivery of several', () => {
    const deliveries = [pushDelivery, { ...pushDelivery, deliveryId: 'd3' }]
    const state = notificationOf([
      requested(),
      routed({ deliveries }),
      dispatched(1, { deliveryId: 'd3' }),
    ])!
    expect(state.deliveries.map((each) => each.attempts.length)).toEqual([0, 1])
  })

  test('a delivery that was never planned is refused', () =>
    given(requested(), routed())
      .when(orders.dispatch({ deliveryId: 'd9' }))
      .thenRefused('notification/not-routed'))
})

describe('suppressing a fenced attempt', () => {
  const sent = [requested(), routed(), dispatched()]

  test('records the rule and the values it saw', () =>
    given(...sent)
      .when(orders.suppress())
      .thenEvents(suppressed(1)))

  test('is recorded late too: an attempt given up as lost was certainly not sent', () =>
    given(...sent, resolved(1))
      .when(orders.suppress())
      .thenEvents(suppressed(1)))

  test('says nothing of an attempt that was never made', () =>
    given(...sent)
      .when(orders.suppress({ attempt: 2 }))
      .thenNothing())
})

describe('deferring', () => {
  test('a delivery records until when and why', () =>
    given(requested(), routed()).when(orders.defer()).thenEvents(deferred()))

  test('names no delivery before the routing: the whole notification waits', () =>
    given(requested())
      .when(orders.defer())
      .thenEvents(deferred({ deliveries: [] })))

  test('again moves the end', () =>
    given(requested(), routed(), deferred())
      .when(orders.defer({ until: t0 + 2 * hour }))
      .thenEvents(deferred({ until: iso(t0 + 2 * hour) })))

  test('leaves out deliveries that have moved on meanwhile', () => {
    const deliveries = ['d1', 'd2', 'd3'].map((deliveryId) => ({ ...pushDelivery, deliveryId }))
    given(requested(), routed({ deliveries }), dispatched(1, { deliveryId: 'd2' }))
      .when(orders.defer({ deliveries: ['d1', 'd2', 'd9'] }))
      .thenEvents(deferred({ deliveries: ['d1'] }))
  })

  test('the whole of a routed notification changes nothing', () =>
    given(requested(), routed())
      .when(orders.defer({ deliveries: [] }))
      .thenNothing())
})

describe('an overdue receipt', () => {
  const sent = [requested(), routed(), dispatched(), accepted()]

  test('is recorded once', () => {
    given(...sent)
      .when(orders.unconfirm())
      .thenEvents(unconfirmed())
    given(...sent, unconfirmed())
      .when(orders.unconfirm())
      .thenNothing()
  })

  test('of an unknown attempt is not recorded', () =>
    given(...sent)
      .when(orders.unconfirm({ attempt: 7 }))
      .thenNothing())
})

describe.each([
  ['expiring', orders.expire, expired],
  ['parking', orders.park, parked],
] as const)('%s', (_name, order, closed) => {
  const deliveries = ['d1', 'd2', 'd3', 'd4'].map((deliveryId) => ({ ...pushDelivery, deliveryId }))
  const some = [
    ...[requested(), routed({ deliveries }), dispatched(1, { deliveryId: 'd2' })],
    ...[dispatched(1, { deliveryId: 'd3' }), accepted(1, { deliveryId: 'd3' })],
  ]

  test('closes what waits, and neither an open attempt nor what was accepted', () =>
    given(...some)
      .when(order({ deliveries: ['d1', 'd2', 'd3'] }))
      .thenEvents(closed({ deliveries: ['d1'] })))

  test('closes only what it was asked for', () =>
    given(...some)
      .when(order({ deliveries: ['d4'] }))
      .thenEvents(closed({ deliveries: ['d4'] })))

  test('names no delivery before the routing', () =>
    given(requested())
      .when(order())
      .thenEvents(closed({ deliveries: [] })))

  test('concerns nothing when everything has moved on', () =>
    given(...some)
      .when(order({ deliveries: ['d2', 'd3', 'd9'] }))
      .thenNothing())

  test('is over once it was cancelled', () =>
    given(...some, cancelled({ deliveries: ['d1', 'd4'] }))
      .when(order({ deliveries: ['d1', 'd4'] }))
      .thenNothing())

  test('may be undone by a redrive only when a person had to look', () => {
    const again = given(...some, closed()).when(orders.redrive())
    if (closed === parked) again.thenEvents(redriven())
    else again.thenNothing()
  })
})
