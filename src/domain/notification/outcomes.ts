import type { Command, RecordOutcome, RecordReceipt } from './commands.ts'
import type { FailedData, FailureOutcome, NotificationEvent } from './events.ts'
import {
  ambiguousResendsMax,
  askedDelayMs,
  type ChannelPolicy,
  configRetryMs,
  receiptPatienceMs,
  retryDelayMs,
} from './policy.ts'
import type { Attempt, Delivery, Notification } from './state.ts'

type Decided = readonly NotificationEvent[]
type Failure = {
  readonly is: FailureOutcome
  readonly code: string
  readonly reason: string
  readonly afterMs?: number
}
interface Circumstances {
  readonly attempt: number
  readonly now: number
  readonly fraction: number
  readonly policy: ChannelPolicy
}

const attemptOf = (delivery: Delivery, number: number): Attempt | undefined =>
  delivery.attempts.find((attempt) => attempt.number === number)

const iso = (ms: number): string => new Date(ms).toISOString()

/** Failures of other attempts that count against this delivery since its last redrive. */
const failuresBefore = (delivery: Delivery, number: number, outcome?: FailureOutcome): number =>
  delivery.attempts.filter(
    (each) =>
      each.number !== number &&
      each.number > delivery.forgivenUpTo &&
      (outcome ? each.outcome === outcome : isTransient(each.outcome)),
  ).length

const isTransient = (outcome: Attempt['outcome']): boolean =>
  outcome === 'retry' || outcome === 'ambiguous'

/** When to try again, if ever. Neither a time nor final: a person has to look. */
const afterFailure = (
  notification: Notification,
  delivery: Delivery,
  failure: Failure,
  evidence: FailedData['evidence'],
  about: Circumstances,
): Pick<FailedData, 'retryAt' | 'final'> => {
  const tries = failuresBefore(delivery, about.attempt) + 1
  const delayMs = retryDelayMs(about.policy, tries, about.fraction, failure.afterMs)
  const again = { retryAt: iso(about.now + delayMs), final: false }
  switch (failure.is) {
    case 'permanent':
    case 'endpoint-invalid':
    case 'opted-out':
      return { final: true }
    case 'config':
      // Not the message's fault: it is kept, and does not count as a try.
      return {
        retryAt: iso(about.now + Math.max(configRetryMs, askedDelayMs(failure.afterMs))),
        final: false,
      }
    case 'retry':
      return again
    case 'ambiguous': {
      if (notification.noResend) return { final: true }
      const unknownFates = failuresBefore(delivery, about.attempt, 'ambiguous')
      if (about.policy.collapses) return again
      if (unknownFates >= ambiguousResendsMax) return { final: false }
      if (evidence === 'receipt') return again
      return { retryAt: iso(about.now + delayMs + receiptPatienceMs(about.policy)), final: false }
    }
  }
}

const failed = (
  notification: Notification,
  delivery: Delivery,
  failure: Failure,
  evidence: FailedData['evidence'],
  about: Circumstances,
): Decided => [
  {
    type: 'NotificationFailed',
    data: {
      deliveryId: delivery.deliveryId,
      attempt: about.attempt,
      outcome: failure.is,
      code: failure.code,
      reason: failure.reason,
      evidence,
      ...afterFailure(notification, delivery, failure, evidence, about),
    },
  },
]

const receiptDue = ({ now, policy }: Pick<RecordOutcome, 'now' | 'policy'>) => ({
  receiptDueAt: iso(now + policy.receiptTimeoutMs),
})

/** A fact: recorded whatever the state is, once. A late answer corrects an attempt that was given up. */
export const outcomeEvents = (
  notification: Notification,
  delivery: Delivery,
  command: RecordOutcome,
): Decided => {
  const known = attemptOf(delivery, command.attempt)
  const { deliveryId, attempt, outcome } = command
  // An answer after a receipt, or told twice, adds nothing; but nothing outdoes `delivered`.
  const outdone = known?.evidence === 'receipt' && outcome.is === 'delivered'
  const corrects = known?.evidence === 'resolve' || (outdone && known.outcome !== 'delivered')
  if (known?.outcome !== undefined && !corrects) return []
  const messageId = 'providerMessageId' in outcome && outcome.providerMessageId
  const about = { deliveryId, attempt, ...(messageId && { providerMessageId: messageId }) }
  switch (outcome.is) {
    case 'delivered':
      return [{ type: 'NotificationDelivered', data: { ...about, evidence: 'provider' } }]
    case 'accepted':
      return [{ type: 'NotificationAccepted', data: { ...about, ...receiptDue(command) } }]
    default:
      return failed(notification, delivery, outcome, 'answer', command)
  }
}

/** Repeated and outdated receipts add nothing. */
export const receiptEvents = (
  notification: Notification,
  delivery: Delivery,
  command: RecordReceipt,
): Decided => {
  const known = attemptOf(delivery, command.attempt)
  const { deliveryId, attempt, receipt, providerMessageId } = command
  if (known === undefined || known.outcome === 'delivered') return []
  if (receipt.is === 'delivered') {
    const messageId = providerMessageId !== undefined && { providerMessageId }
    const data = { deliveryId, attempt, evidence: 'receipt' as const, ...messageId }
    return [{ type: 'NotificationDelivered', data }]
  }
  if (receipt.is === 'accepted') {
    // It settles what no answer told: the message has left, and must not be sent again.
    const inDoubt = known.outcome === 'ambiguous' && known.evidence !== 'receipt'
    if (known.outcome !== undefined && !inDoubt) return []
    const messageId = providerMessageId !== undefined && { providerMessageId }
    const data = { deliveryId, attempt, ...messageId, ...receiptDue(command) }
    return [{ type: 'NotificationAccepted', data }]
  }
  if (known.evidence === 'receipt' && known.outcome === receipt.is) return []
  if (known.evidence === 'receipt' && known.final && known.outcome !== 'ambiguous') return []
  return failed(notification, delivery, receipt, 'receipt', command)
}

/** No answer was recorded in time: the message may have left or not. */
export const resolveEvents = (
  notification: Notification,
  delivery: Delivery,
  command: Extract<Command, { do: 'resolve' }>,
): Decided => {
  const known = attemptOf(delivery, command.attempt)
  if (known === undefined || known.outcome !== undefined) return []
  const failure = {
    is: 'ambiguous' as const,
    code: 'no-answer',
    reason: 'No outcome was recorded before the deadline: the message may have been sent.',
  }
  return failed(notification, delivery, failure, 'resolve', command)
}
