import { describe, expect, test } from 'vitest'
import { parkAfterMs } from '#domain/notification/policy.ts'
import { statusOf } from '#domain/notification/status.ts'
import {
  accepted,
  delivered,
  dispatched,
  failed,
  given,
  hour,
  iso,
  minute,
  notificationOf,
  redriven,
  requested,
  resolved,
  routed,
  second,
  suppressed,
  t0,
  unconfirmed,
} from '../../support/given.ts'
import * as orders from './orders.ts'

const sent = [requested(), routed(), dispatched()]
const now = t0 + 5 * minute
const twiceFailed = [...sent, failed(1), dispatched(2), failed(2), dispatched(3)]

describe("a provider's answer", () => {
  test('that it was accepted says by when the receipt is due', () =>
    given(...sent)
      .when(orders.answer({ is: 'accepted', providerMessageId: 'SM1' }))
      .thenEvents(accepted(1, { providerMessageId: 'SM1', receiptDueAt: iso(now + 10 * hour) })))

  test('that it was delivered is all the evidence a channel without receipts has', () =>
    given(...sent)
      .when(orders.answer({ is: 'delivered' }))
      .thenEvents(delivered(1, { evidence: 'provider' })))

  test('to try again is spread over the backoff', () => {
    given(...sent)
      .when(orders.answer(orders.busy))
      .thenEvents(failed(1, { retryAt: iso(now + second) }))
    given(...sent)
      .when(orders.answer(orders.busy, { fraction: 0.5 }))
      .thenEvents(failed(1, { retryAt: iso(now + 5.5 * second) }))
  })

  test('to try again waits longer after each failure', () =>
    given(...twiceFailed)
      .when(orders.answer(orders.busy, { attempt: 3 }))
      .thenEvents(failed(3, { retryAt: iso(now + 4 * second) })))

  test('to try again starts over after a redrive', () =>
    given(...twiceFailed.slice(0, -1), redriven(), dispatched(3))
      .when(orders.answer(orders.busy, { attempt: 3 }))
      .thenEvents(failed(3, { retryAt: iso(now + second) })))

  test('to come back later is honoured', () =>
    given(...sent)
      .when(orders.answer({ ...orders.busy, afterMs: 20 * minute }))
      .thenEvents(failed(1, { retryAt: iso(now + 20 * minute) })))

  test('to come back in a thousand years is bounded', () =>
    given(...sent)
      .when(orders.answer({ ...orders.busy, afterMs: 1e18 }))
      .thenEvents(failed(1, { retryAt: iso(now + parkAfterMs) })))

  test.each(['permanent', 'endpoint-invalid', 'opted-out'] as const)('%s is final', (is) =>
    given(...sent)
      .when(orders.answer({ is, code: '410', reason: 'gone' }))
      .thenEvents(failed(1, { outcome: is, code: '410', reason: 'gone', final: true })),
  )

  const denied = { is: 'config', code: '401', reason: 'bad key' } as const
  const kept = { outcome: 'config', code: '401', reason: 'bad key' } as const

  test('that our credentials are refused keeps the message', () => {
    given(...sent)
      .when(orders.answer(denied, { fraction: 0.9 }))
      .thenEvents(failed(1, { ...kept, retryAt: iso(now + minute) }))
    given(...sent)
      .when(orders.answer({ ...denied, afterMs: hour }))
      .thenEvents(failed(1, { ...kept, retryAt: iso(now + hour) }))
  })

  test('that our credentials are refused does not count as a failure', () =>
    given(...sent, failed(1, kept), dispatched(2), failed(2, kept), dispatched(3))
      .when(orders.answer(orders.busy, { attempt: 3 }))
      .thenEvents(failed(3, { retryAt: iso(now + second) })))

  test('told twice is recorded once', () =>
    given(...sent, failed(1))
      .when(orders.answer(orders.busy))
      .thenNothing())

  test('that contradicts the first one is not recorded', () =>
    given(...sent, failed(1))
      .when(orders.answer({ is: 'delivered' }))
      .thenNothing())

  test('that comes after its receipt adds nothing', () =>
    given(...sent, delivered(1))
      .when(orders.answer({ is: 'accepted' }))
      .thenNothing())

  test('that it was delivered outdoes a failing receipt, and adds nothing to a good one', () => {
    const byProvider = orders.answer({ is: 'delivered' })
    given(...sent, failed(1, { evidence: 'receipt' }))
      .when(byProvider)
      .thenEvents(delivered(1, { evidence: 'provider' }))
    given(...sent, delivered(1))
      .when(byProvider)
      .thenNothing()
  })

  test('to an attempt of an unknown delivery is refused', () =>
    given(...sent)
      .when(orders.answer(orders.busy, { deliveryId: 'd9' }))
      .thenRefused('notification/not-routed'))
})

describe('a late answer', () => {
  const lost = [...sent, resolved(1)]

  test.each([
    ['delivered', 'delivered'],
    ['accepted', 'accepted'],
  ] as const)('%s corrects the attempt that was given up as lost', (is, status) => {
    given(...lost)
      .when(orders.answer({ is }))
      .thenEvents(
        is === 'delivered'
          ? delivered(1, { evidence: 'provider' })
          : accepted(1, { receiptDueAt: iso(now + 10 * hour) }),
      )
    const fact = is === 'delivered' ? delivered(1) : accepted(1)
    expect(statusOf(notificationOf([...lost, fact])!)).toBe(status)
  })

  test('that it failed for good ends the retries', () => {
    const final = { outcome: 'permanent', code: '21211', reason: 'not a number' } as const
    given(...lost)
      .when(orders.answer(orders.refused))
      .thenEvents(failed(1, { ...final, final: true }))
    expect(statusOf(notificationOf([...lost, failed(1, { ...final, final: true })])!)).toBe(
      'failed',
    )
  })

  test('to an attempt that must not be resent opens it again when it was certainly not sent', () => {
    const unknown = [
      ...[requested({ noResend: true }), routed(), dispatched()],
      resolved(1, { final: true }),
    ]
    given(...unknown)
      .when(orders.answer(orders.busy))
      .thenEvents(failed(1, { retryAt: iso(now + second) }))
    expect(statusOf(notificationOf([...unknown, failed(1)])!)).toBe('retrying')
  })

  test('to an earlier attempt stops the resend that was pending', () => {
    const state = notificationOf([...lost, dispatched(2), failed(2), accepted(1)])!
    expect(statusOf(state)).toBe('accepted')
  })
})

describe('a receipt', () => {
  const acked = [...sent, accepted(1)]

  test('that it was delivered is the evidence', () => {
    given(...acked)
      .when(orders.receipt({ is: 'delivered' }, { providerMessageId: 'SM1' }))
      .thenEvents(delivered(1, { providerMessageId: 'SM1' }))
    given(...acked)
      .when(orders.receipt({ is: 'delivered' }))
      .thenEvents(delivered(1))
  })

  test.each([
    ['before the answer', sent],
    ['after the answer was given up as lost', [...sent, resolved(1)]],
    ['after it was called overdue', [...acked, unconfirmed(1)]],
    ['after a failure', [...sent, failed(1, { outcome: 'permanent', final: true })]],
    ['after a failing receipt', [...acked, failed(1, { evidence: 'receipt' })]],
    ['after a suppression', [...sent, suppressed(1)]],
    ['while the next attempt is under way', [...sent, resolved(1), dispatched(2)]],
  ])('that it was delivered counts %s', (_when, facts) => {
    given(...facts)
      .when(orders.receipt({ is: 'delivered' }))
      .thenEvents(delivered(1))
    expect(statusOf(notificationOf([...facts, delivered(1)])!)).toBe('delivered')
  })

  test('told twice is recorded once', () =>
    given(...acked, delivered(1))
      .when(orders.receipt({ is: 'delivered' }))
      .thenNothing())

  test('that it failed after it was delivered adds nothing', () =>
    given(...acked, delivered(1))
      .when(orders.receipt(orders.refused))
      .thenNothing())

  const lost = { outcome: 'ambiguous', code: 'ECONNRESET', reason: 'reset after the body' } as const
  const bounced = { outcome: 'permanent', code: '21211', reason: 'not a number' } as const

  test('that it failed for good is final', () =>
    given(...acked)
      .when(orders.receipt(orders.refused))
      .thenEvents(failed(1, { ...bounced, evidence: 'receipt', final: true })))

  test('that its fate is unknown plans a retry, and counts as an ambiguous attempt', () => {
    given(...acked)
      .when(orders.receipt(orders.lost))
      .thenEvents(failed(1, { ...lost, evidence: 'receipt', retryAt: iso(now + second) }))
    const state = notificationOf([...acked, failed(1, { ...lost, evidence: 'receipt' })])!
    expect(statusOf(state)).toBe('retrying')
  })

  test('that it failed for good outdoes one to try again, and not the other way round', () => {
    const again = failed(1, { ...lost, evidence: 'receipt' })
    const over = failed(1, { ...bounced, evidence: 'receipt', final: true })
    given(...acked, again)
      .when(orders.receipt(orders.refused))
      .thenEvents(over)
    given(...acked, over)
      .when(orders.receipt(orders.lost))
      .thenNothing()
    given(...acked, again)
      .when(orders.receipt(orders.lost))
      .thenNothing()
  })

  test('for an attempt that was never made is not recorded', () =>
    given(...acked)
      .when(orders.receipt({ is: 'delivered' }, { attempt: 2 }))
      .thenNothing())
})
