import { describe, expect, test } from 'vitest'
import type { PlannedDelivery } from '#domain/notification/events.ts'
import {
  type DeliveryStatus,
  deliveryStatus,
  isFinished,
  isOpen,
  type NotificationStatus,
  notificationStatuses,
  statusOf,
} from '#domain/notification/status.ts'
import {
  accepted,
  cancelled,
  deferred,
  delivered,
  dispatched,
  expired,
  type Fact,
  failed,
  notificationOf,
  parked,
  redriven,
  requested,
  resolved,
  routed,
  smsDelivery,
  suppressed,
  unconfirmed,
} from '../../support/given.ts'
import { states } from './states.ts'

const final = { final: true, retryAt: undefined }
const permanent = (attempt: number, over = {}) =>
  failed(attempt, { outcome: 'permanent', ...final, ...over })

/** One row per line of the status table of the design: what happened to a delivery, and its name. */
const rows: readonly (readonly [DeliveryStatus, string, readonly Fact[]])[] = [
  ['routed', 'is routed', []],
  ['routed', 'was redriven', [dispatched(), permanent(1), redriven()]],
  ['deferred', 'is put off', [deferred()]],
  ['deferred', 'failed and is put off', [dispatched(), failed(1), deferred()]],
  ['dispatched', 'has an attempt under way', [dispatched()]],
  ['dispatched', 'was put off and goes out', [deferred(), dispatched()]],
  ['dispatched', 'goes out again', [dispatched(), failed(1), dispatched(2)]],
  ['dispatched', 'goes out when it is cancelled', [dispatched(), cancelled()]],
  ['accepted', 'was accepted', [dispatched(), accepted()]],
  ['accepted', 'was accepted and is cancelled', [dispatched(), accepted(), cancelled()]],
  [
    'accepted',
    'was accepted after all, while the resend failed for good',
    [dispatched(), resolved(1), dispatched(2), accepted(1), permanent(2)],
  ],
  [
    'accepted',
    'awaits one of two receipts',
    [dispatched(), accepted(1), unconfirmed(1), dispatched(2), accepted(2)],
  ],
  ['delivered', 'was delivered', [dispatched(), delivered()]],
  ['delivered', 'was delivered before it was cancelled', [dispatched(), delivered(), cancelled()]],
  [
    'delivered',
    'was delivered by an attempt given up as lost, while another is under way',
    [dispatched(), resolved(1), dispatched(2), delivered(1)],
  ],
  ['delivered', 'had expired', [dispatched(), resolved(1), expired(), delivered(1)]],
  ['delivered', 'had failed for good', [dispatched(), permanent(1), delivered(1)]],
  ['unconfirmed', 'has no receipt', [dispatched(), accepted(), unconfirmed()]],
  ['retrying', 'is to be tried again', [dispatched(), failed(1)]],
  ['retrying', 'may have been sent, no answer came', [dispatched(), resolved(1)]],
  ['retrying', 'is refused with our credentials', [dispatched(), failed(1, { outcome: 'config' })]],
  [
    'retrying',
    'failed later after it was accepted',
    [dispatched(), accepted(1), failed(1, { evidence: 'receipt' })],
  ],
  ['failed', 'failed for good', [dispatched(), permanent(1)]],
  [
    'failed',
    'failed for good by its receipt',
    [dispatched(), accepted(1), permanent(1, { evidence: 'receipt' })],
  ],
  ['failed', 'failed for good before it was cancelled', [dispatched(), permanent(1), cancelled()]],
  ['unknown', 'may have been sent and must not be resent', [dispatched(), resolved(1, final)]],
  ['expired', 'is too late', [expired()]],
  ['expired', 'was too late before the rest was cancelled', [expired(), cancelled()]],
  ['cancelled', 'was cancelled', [cancelled()]],
  ['cancelled', 'was cancelled while put off', [deferred(), cancelled()]],
  ['cancelled', 'was cancelled while parked', [parked(), cancelled()]],
  ['cancelled', 'was cancelled under way and not sent', [dispatched(), cancelled(), failed(1)]],
  ['suppressed', 'was suppressed after its fence', [dispatched(), suppressed(1)]],
  [
    'suppressed',
    'was suppressed before it was cancelled',
    [dispatched(), suppressed(1), cancelled()],
  ],
  ['parked', 'waits for a person', [parked()]],
  ['parked', 'failed and waits for a person', [dispatched(), failed(1), parked()]],
]

describe('a delivery', () => {
  test.each(rows)('is called %s when it %s', (status, _why, since) => {
    const state = notificationOf([requested(), routed(), ...since])!
    expect(deliveryStatus(state, state.deliveries[0]!)).toBe(status)
    expect(statusOf(state)).toBe(status)
  })

  test('has a row for every status', () => {
    const before: readonly NotificationStatus[] = ['requested', 'scheduled']
    const named = new Set([...rows.map(([status]) => status), ...before])
    expect([...named].sort()).toEqual([...notificationStatuses].sort())
  })
})

describe('a notification', () => {
  const present = Object.entries(states).filter(([, state]) => state.status !== 'absent')
  test.each(present)('that is %s has the status the table says', (_name, { facts, status }) => {
    expect(statusOf(notificationOf(facts)!)).toBe(status)
  })
})

/** What brings one delivery to a status, by name of the delivery. */
const ways: Readonly<
  Record<Exclude<DeliveryStatus, 'cancelled'>, (id: string) => readonly Fact[]>
> = {
  routed: () => [],
  deferred: (id) => [deferred({ deliveries: [id] })],
  retrying: (id) => [dispatched(1, { deliveryId: id }), failed(1, { deliveryId: id })],
  dispatched: (id) => [dispatched(1, { deliveryId: id })],
  accepted: (id) => [dispatched(1, { deliveryId: id }), accepted(1, { deliveryId: id })],
  delivered: (id) => [dispatched(1, { deliveryId: id }), delivered(1, { deliveryId: id })],
  unconfirmed: (id) => [
    ...[dispatched(1, { deliveryId: id }), accepted(1, { deliveryId: id })],
    unconfirmed(1, { deliveryId: id }),
  ],
  failed: (id) => [dispatched(1, { deliveryId: id }), permanent(1, { deliveryId: id })],
  unknown: (id) => [dispatched(1, { deliveryId: id }), resolved(1, { deliveryId: id, ...final })],
  expired: (id) => [expired({ deliveries: [id] })],
  suppressed: (id) => [dispatched(1, { deliveryId: id }), suppressed(1, { deliveryId: id })],
  parked: (id) => [parked({ deliveries: [id] })],
}

const together = (statuses: readonly (keyof typeof ways)[], extra: readonly Fact[] = []) => {
  const deliveries = statuses.map(
    (_, index): PlannedDelivery => ({ ...smsDelivery, deliveryId: `d${index + 1}` }),
  )
  const since = statuses.flatMap((status, index) => ways[status](`d${index + 1}`))
  return statusOf(notificationOf([requested(), routed({ deliveries }), ...since, ...extra])!)
}

/** The order of the design: furthest along of the open ones, parked, then the finished ones. */
const order = [
  ...(['accepted', 'dispatched', 'retrying', 'deferred', 'routed'] as const),
  'parked',
  ...(['delivered', 'unconfirmed', 'failed', 'unknown', 'expired', 'suppressed'] as const),
] as const

const pairs = order.flatMap((first, index) =>
  order.slice(index).map((second) => [first, second] as const),
)

describe('a notification with several deliveries', () => {
  test.each(pairs)('is %s when one is that and the other is %s', (first, second) => {
    expect(together([first, second])).toBe(first)
    expect(together([second, first])).toBe(first)
  })

  test('is open as long as one of many is', () => {
    expect(together(['delivered', 'parked', 'failed', 'deferred', 'suppressed'])).toBe('deferred')
  })

  test('is parked when one waits for a person and the rest is done', () => {
    expect(together(['delivered', 'parked', 'failed', 'suppressed'])).toBe('parked')
  })

  const stopped = [cancelled({ deliveries: [] })]
  test('is delivered when one was delivered and the rest was cancelled', () => {
    expect(together(['delivered', 'routed', 'parked'], stopped)).toBe('delivered')
  })

  test.each(['unconfirmed', 'failed', 'unknown', 'expired'] as const)(
    'is %s when one is that and the rest was cancelled',
    (status) => expect(together([status, 'deferred'], stopped)).toBe(status),
  )

  test('is cancelled when one was cancelled and the rest was suppressed', () => {
    expect(together(['suppressed', 'routed'], stopped)).toBe('cancelled')
  })

  test('is suppressed when nothing is left to deliver', () =>
    expect(together([])).toBe('suppressed'))
})

describe('a status', () => {
  const kinds = { open: [], parked: [], finished: [] } as Record<string, NotificationStatus[]>
  for (const status of notificationStatuses) {
    const kind = isOpen(status) ? 'open' : isFinished(status) ? 'finished' : 'parked'
    kinds[kind]!.push(status)
  }

  test('is open, parked or finished, and never two of these', () => {
    expect(kinds).toEqual({
      open: [
        ...['requested', 'scheduled', 'routed', 'deferred', 'retrying', 'dispatched', 'accepted'],
      ],
      parked: ['parked'],
      finished: [
        ...['delivered', 'unconfirmed', 'failed', 'unknown', 'expired', 'cancelled', 'suppressed'],
      ],
    })
  })
})
