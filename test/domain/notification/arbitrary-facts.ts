import fc from 'fast-check'
import {
  channels,
  type FailureOutcome,
  type NotificationEventType,
  type PlannedDelivery,
} from '#domain/notification/events.ts'
import {
  accepted,
  cancelled,
  deferred,
  delivered,
  dispatched,
  expired,
  type Fact,
  failed,
  hour,
  iso,
  parked,
  redriven,
  requested,
  routed,
  smsDelivery,
  suppressed,
  t0,
  unconfirmed,
} from '../../support/given.ts'

/** Few values, so that facts meet each other; `d9` was never planned. */
const at = fc.integer({ min: -2, max: 100 }).map((hours) => t0 + hours * hour)
const text = at.map(iso)
const deliveryId = fc.constantFrom('d1', 'd2', 'd9')
const deliveryIds = fc.uniqueArray(deliveryId, { maxLength: 3 })
const number = fc.integer({ min: 1, max: 4 })
const about = fc.record({ at, deliveryId })
const closing = fc.record({ at, deliveries: deliveryIds })
const messageId = fc.record(
  { providerMessageId: fc.constantFrom('m1', 'm2') },
  { requiredKeys: [] },
)

const outcomes: readonly FailureOutcome[] = [
  ...(['retry', 'ambiguous', 'permanent', 'endpoint-invalid', 'opted-out', 'config'] as const),
]
const failure = fc
  .record({
    outcome: fc.constantFrom(...outcomes),
    evidence: fc.constantFrom('answer' as const, 'receipt' as const, 'resolve' as const),
    code: fc.constantFrom('a', 'b'),
    after: fc.oneof(
      fc.constant({ final: true as const }),
      fc.record({ final: fc.constant(false), retryAt: fc.option(text, { nil: undefined }) }),
    ),
  })
  .map(({ after, ...rest }) => ({ ...rest, ...after }))

export const deliveriesOf = (count: number): readonly PlannedDelivery[] =>
  Array.from({ length: count }, (_, index) => ({
    ...smsDelivery,
    deliveryId: `d${index + 1}`,
    channel: channels[(index + 1) % channels.length]!,
  }))

/** Any fact of each type, about anything. */
export const factOf: Readonly<Record<NotificationEventType, fc.Arbitrary<Fact>>> = {
  NotificationRequested: fc
    .record(
      { at, sendAt: text, expiresAt: text, noResend: fc.constant(true as const) },
      { requiredKeys: ['at'] },
    )
    .map(requested),
  NotificationRouted: fc
    .record({ at, deliveries: fc.integer({ min: 0, max: 2 }).map(deliveriesOf) })
    .map(routed),
  NotificationDispatched: fc
    .tuple(number, about, text)
    .map(([attempt, over, deadline]) => dispatched(attempt, { ...over, deadline })),
  NotificationAccepted: fc
    .tuple(number, about, text, messageId)
    .map(([attempt, over, receiptDueAt, id]) =>
      accepted(attempt, { ...over, receiptDueAt, ...id }),
    ),
  NotificationDelivered: fc
    .tuple(number, about, messageId, fc.constantFrom('provider' as const, 'receipt' as const))
    .map(([attempt, over, id, evidence]) => delivered(attempt, { ...over, evidence, ...id })),
  NotificationUnconfirmed: fc
    .tuple(number, about)
    .map(([attempt, over]) => unconfirmed(attempt, over)),
  NotificationFailed: fc
    .tuple(number, about, failure)
    .map(([attempt, over, why]) => failed(attempt, { ...over, ...why })),
  NotificationDeferred: fc
    .tuple(closing, text)
    .map(([over, until]) => deferred({ ...over, until })),
  NotificationSuppressed: fc
    .tuple(number, about)
    .map(([attempt, over]) => suppressed(attempt, over)),
  NotificationCancelled: closing.map(cancelled),
  NotificationExpired: closing.map(expired),
  NotificationParked: closing.map(parked),
  NotificationRedriven: closing.map((over) => redriven(over)),
}

export const anyFact: fc.Arbitrary<Fact> = fc.oneof(...Object.values(factOf))

/** What is said of attempts that were made: it may come in any order, and more than once. */
export const toldFact: fc.Arbitrary<Fact> = fc.oneof(
  factOf.NotificationAccepted,
  factOf.NotificationDelivered,
  factOf.NotificationUnconfirmed,
  { arbitrary: factOf.NotificationFailed, weight: 3 },
  factOf.NotificationSuppressed,
)
