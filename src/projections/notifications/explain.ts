import { evolve } from '#domain/notification/evolve.ts'
import type { Attempt, Delivery, Notification, State } from '#domain/notification/state.ts'
import {
  type DeliveryStatus,
  deliveryStatus,
  type NotificationStatus,
  statusOf,
} from '#domain/notification/status.ts'
import type { RecordedFact } from '#domain/recorded-fact.ts'
import { sentenceOf } from './sentences.ts'
import { closingReason, counted, deferralWords, endpointWords, reasonWords } from './words.ts'

export interface Explanation {
  readonly status: string
  readonly summary: string
  readonly events: readonly {
    readonly revision: number
    readonly at: string
    readonly type: string
    readonly text: string
  }[]
}

const iso = (ms: number): string => new Date(ms).toISOString()

const statusWords: Readonly<Record<NotificationStatus, string>> = {
  requested: 'It has been requested and not been routed yet.',
  scheduled: 'It waits for its time.',
  routed: 'It is about to be sent.',
  deferred: 'It has been put off.',
  retrying: 'It is to be tried again.',
  dispatched: 'It is being sent.',
  accepted: 'A provider has it; its receipt is awaited.',
  parked: 'It waits for a person.',
  delivered: 'It was delivered.',
  unconfirmed: 'A provider took it; no receipt came.',
  failed: 'It could not be delivered.',
  unknown: 'Whether it was delivered is not known.',
  expired: 'It expired before it was sent.',
  cancelled: 'It was cancelled.',
  suppressed: 'It was not sent on purpose.',
}

const maySeen = (attempt: Attempt): boolean =>
  attempt.outcome === 'accepted' ||
  attempt.outcome === 'delivered' ||
  attempt.outcome === 'ambiguous'

/** What may have been seen more than once, and why; `undefined` when that cannot be. */
const duplicates = ({ attempts }: Delivery): string | undefined => {
  const left = attempts.filter(maySeen)
  if (left.length < 2) return undefined
  const unknown = left.filter((each) => each.outcome === 'ambiguous').map((each) => each.number)
  const why =
    unknown.length === 0
      ? 'it was sent again'
      : `the fate of ${unknown.length === 1 ? 'attempt' : 'attempts'} ${unknown.join(', ')} is not known`
  return `it may have been seen up to ${left.length} times, because ${why}`
}

const lastFailure = ({ attempts }: Delivery): string | undefined => {
  const last = attempts.findLast((each) => each.code !== undefined)
  return last && `attempt ${last.number} ended as ${last.outcome} (${last.code})`
}

/** Why a delivery is where it is. */
const because = (delivery: Delivery, status: DeliveryStatus): string | undefined => {
  switch (status) {
    case 'suppressed':
      return delivery.suppressed && reasonWords[delivery.suppressed.reason]
    case 'deferred': {
      const reason = delivery.deferReason as keyof typeof deferralWords
      return `until ${iso(delivery.deferredUntil!)}: ${deferralWords[reason] ?? reason}`
    }
    case 'retrying': {
      const retryAt = delivery.attempts.at(-1)?.retryAt
      const when = retryAt === undefined ? '' : `, again from ${iso(retryAt)}`
      return `${lastFailure(delivery)}${when}`
    }
    case 'expired':
    case 'parked':
      return closingReason(delivery.closedReason ?? '')
    case 'failed':
    case 'unknown':
      return lastFailure(delivery)
    default:
      return undefined
  }
}

const deliverySummary = (notification: Notification, delivery: Delivery): string => {
  const { deliveryId, channel, provider, endpoint, attempts } = delivery
  const status = deliveryStatus(notification, delivery)
  const parts = [
    `${deliveryId} (${channel} by ${provider} to ${endpointWords(endpoint)}) is ${status}`,
    because(delivery, status),
    `${counted(attempts.length, 'attempt', 'attempts')}`,
    duplicates(delivery),
  ]
  return parts.filter((each) => each !== undefined).join('; ')
}

const summaryOf = (state: State): string => {
  if (state === undefined) return 'Nothing was requested under this id.'
  const status = statusOf(state)
  const parts = [statusWords[status]]
  if (!state.routed && state.closedReason !== undefined && state.closed) {
    parts.push(`That is because ${closingReason(state.closedReason)}.`)
  }
  if (status === 'scheduled') parts.push(`That is ${iso(state.sendAt!)}.`)
  for (const each of state.deliveries) parts.push(`${deliverySummary(state, each)}.`)
  if (state.passedOver.length > 0) {
    const over = state.passedOver.map(
      ({ endpoint, reason }) => `${endpointWords(endpoint)} (${reasonWords[reason]})`,
    )
    parts.push(`Passed over: ${over.join('; ')}.`)
  }
  return parts.join(' ')
}

/** What happened to a notification and why, in words; from recorded rules and values alone. */
export const explain = (facts: readonly RecordedFact[]): Explanation => {
  let state: State
  // What follows from an event that cannot be read is not known; that it was recorded is told.
  let unreadableFrom = Infinity
  for (const fact of facts) {
    try {
      state = evolve(state, fact)
    } catch {
      unreadableFrom = fact.revision
      break
    }
  }
  const unreadable =
    unreadableFrom === Infinity
      ? ''
      : ` What was recorded from revision ${unreadableFrom} on cannot be read.`
  return {
    status: state ? statusOf(state) : 'absent',
    summary: summaryOf(state) + unreadable,
    events: facts.map(({ revision, metadata: { at }, type, data }) => ({
      revision,
      at,
      type,
      text:
        revision < unreadableFrom
          ? sentenceOf({ type, data })
          : `${type} was recorded; this version cannot read it.`,
    })),
  }
}
