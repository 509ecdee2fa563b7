import { describe, expect, test } from 'vitest'
import { addressKey, viewOf } from '#projections/notifications/view.ts'
import {
  delivered,
  dispatched,
  type Fact,
  failed,
  notificationOf,
  pushDelivery,
  requested,
  routed,
  smsDelivery,
} from '../support/given.ts'

const view = (facts: readonly Fact[], addresses?: ReadonlyMap<string, string>) =>
  viewOf('n1', notificationOf(facts)!, addresses)

describe('the view of a notification', () => {
  test('has no more than it needs before anything happened', () => {
    expect(view([requested()])).toEqual({
      ...{ id: 'n1', eventId: 'order-1:mina', status: 'requested', category: 'orders' },
      ...{ priority: 'normal', requestedAt: '2026-03-01T09:00:00.000Z', revision: 0 },
      ...{ deliveries: [], passedOver: [] },
    })
  })

  test('gives each delivery a status of its own', () => {
    const facts = [
      requested(),
      routed({ deliveries: [smsDelivery, pushDelivery] }),
      dispatched(),
      failed(1, { final: true, outcome: 'permanent' }),
      dispatched(1, { deliveryId: 'd2' }),
      delivered(1, { deliveryId: 'd2', evidence: 'provider' }),
    ]
    const { status, deliveries } = view(facts)
    expect(status).toBe('delivered')
    expect(deliveries.map((each) => [each.deliveryId, each.status])).toEqual([
      ['d1', 'failed'],
      ['d2', 'delivered'],
    ])
    expect(deliveries[0]).not.toHaveProperty('credential')
  })

  test('shows an attempt under way without an outcome', () => {
    const [delivery] = view([requested(), routed(), dispatched()]).deliveries
    expect(delivery!.attempts).toEqual([{ number: 1, at: '2026-03-01T09:01:00.000Z' }])
  })

  test('shows no more of a passed-over endpoint than the rule', () => {
    const { endpoint } = smsDelivery
    const over = { endpoint, reason: 'opted-out', rule: 'r', seen: { revision: 1 } } as const
    const { passedOver } = view([requested(), routed({ deliveries: [], passedOver: [over] })])
    expect(passedOver).toEqual([{ endpoint, reason: 'opted-out', rule: 'r' }])
  })

  test('has addresses only where they are handed in', () => {
    const facts = [requested(), routed(), dispatched()]
    expect(JSON.stringify(view(facts))).not.toContain('1012345678')
    const addresses = new Map([[addressKey('d1', 1), '+821012345678']])
    expect(view(facts, addresses).deliveries[0]!.attempts[0]!.to).toBe('+821012345678')
  })
})
