import { type RecordedFact, UnknownEvent } from '../recorded-fact.ts'
import type {
  AcceptedData,
  DeferredData,
  DeliveredData,
  DispatchedData,
  FailedData,
  NotificationEvents,
  RequestedData,
  RoutedData,
  SuppressedData,
} from './events.ts'
import { mergeAttempts } from './merge.ts'
import type { Attempt, Delivery, Notification, State } from './state.ts'

const time = (text: string): number => Date.parse(text)

const requested = (data: RequestedData, at: number): Notification => {
  const sendAt = data.sendAt === undefined ? undefined : time(data.sendAt)
  return {
    revision: 0,
    app: data.app,
    eventId: data.eventId,
    fingerprint: data.fingerprint,
    recipient: data.recipient,
    category: data.category,
    purpose: data.purpose,
    priority: data.priority,
    noResend: data.noResend === true,
    requestedAt: at,
    openSince: Math.max(at, sendAt ?? 0),
    routed: false,
    deliveries: [],
    passedOver: [],
    cancelled: false,
    ...(data.template && { template: data.template }),
    ...(data.channels && { channels: data.channels }),
    ...(sendAt !== undefined && { sendAt }),
    ...(data.expiresAt !== undefined && { expiresAt: time(data.expiresAt) }),
  }
}

const routed = (state: Notification, data: RoutedData, at: number): Notification => {
  const { deferredUntil: _until, deferReason: _reason, ...rest } = state
  return {
    ...rest,
    routed: true,
    locale: data.locale,
    deliveries: data.deliveries.map((planned) => ({
      ...planned,
      attempts: [],
      forgivenUpTo: 0,
      sendableFrom: at,
    })),
    passedOver: data.passedOver,
  }
}

const mapDelivery = (
  state: Notification,
  deliveryId: string,
  change: (delivery: Delivery) => Delivery,
): Notification => ({
  ...state,
  deliveries: state.deliveries.map((each) =>
    each.deliveryId === deliveryId ? change(each) : each,
  ),
})

const withFact = (delivery: Delivery, fact: Attempt): Delivery => {
  const index = delivery.attempts.findIndex((attempt) => attempt.number === fact.number)
  const attempts =
    index < 0
      ? [...delivery.attempts, fact].sort((a, b) => a.number - b.number)
      : delivery.attempts.with(index, mergeAttempts(delivery.attempts[index]!, fact))
  return { ...delivery, attempts }
}

const dispatched = (delivery: Delivery, data: DispatchedData, at: number): Delivery => {
  const { deferredUntil: _until, deferReason: _reason, ...rest } = delivery
  return withFact(rest, {
    number: data.attempt,
    at,
    deadline: time(data.deadline),
    contentHash: data.contentHash,
  })
}

/** The attempt with what the fact adds; a fact about an attempt never seen makes it known. */
const outcomeOf = (
  delivery: Delivery,
  data: { readonly attempt: number },
  at: number,
  told: Partial<Attempt>,
): Delivery => {
  const known = delivery.attempts.find((attempt) => attempt.number === data.attempt)
  const base = known ?? { number: data.attempt, at, deadline: at, contentHash: '' }
  const { number, deadline, contentHash } = base
  return withFact(delivery, { number, at: base.at, deadline, contentHash, outcomeAt: at, ...told })
}

const accepted = (delivery: Delivery, data: AcceptedData, at: number): Delivery =>
  outcomeOf(delivery, data, at, {
    outcome: 'accepted',
    evidence: 'answer',
    receiptDueAt: time(data.receiptDueAt),
    ...(data.providerMessageId !== undefined && { providerMessageId: data.providerMessageId }),
  })

const delivered = (delivery: Delivery, data: DeliveredData, at: number): Delivery =>
  outcomeOf(delivery, data, at, {
    outcome: 'delivered',
    evidence: data.evidence,
    ...(data.providerMessageId !== undefined && { providerMessageId: data.providerMessageId }),
  })

const failed = (delivery: Delivery, data: FailedData, at: number): Delivery =>
  outcomeOf(delivery, data, at, {
    outcome: data.outcome,
    evidence: data.evidence,
    code: data.code,
    reason: data.reason,
    final: data.final,
    ...(data.retryAt !== undefined && { retryAt: time(data.retryAt) }),
  })

const suppressed = (delivery: Delivery, data: SuppressedData, at: number): Delivery => ({
  ...outcomeOf(delivery, data, at, { outcome: 'suppressed', evidence: 'tail', code: data.reason }),
  suppressed: { reason: data.reason, rule: data.rule },
})

/** A document's flag is enough here: the attempt may come to be known only later. */
const unconfirmed = (delivery: Delivery, data: { readonly attempt: number }): Delivery => ({
  ...delivery,
  attempts: delivery.attempts.map((attempt) =>
    attempt.number === data.attempt ? { ...attempt, unconfirmed: true as const } : attempt,
  ),
})

const deferred = (state: Notification, data: DeferredData): Notification => {
  const deferral = { deferredUntil: time(data.until), deferReason: data.reason }
  if (data.deliveries.length === 0) return state.routed ? state : { ...state, ...deferral }
  return mapSome(state, data.deliveries, (each) => ({ ...each, ...deferral }))
}

const mapSome = (
  state: Notification,
  deliveryIds: readonly string[],
  change: (delivery: Delivery) => Delivery,
): Notification => ({
  ...state,
  deliveries: state.deliveries.map((each) =>
    deliveryIds.includes(each.deliveryId) ? change(each) : each,
  ),
})

const closed = (
  state: Notification,
  data: { readonly deliveries: readonly string[]; readonly reason: string },
  as: 'expired' | 'parked',
): Notification => {
  const closing = { closed: as, closedReason: data.reason }
  if (data.deliveries.length === 0) return state.routed ? state : { ...state, ...closing }
  return mapSome(state, data.deliveries, (each) => ({ ...each, ...closing }))
}

const redriven = (
  state: Notification,
  data: { readonly deliveries: readonly string[] },
  at: number,
): Notification => {
  const { closed: _closed, closedReason: _reason, ...rest } = state
  const open = { ...rest, openSince: at, redriven: true as const }
  if (!state.routed) return open
  return mapSome(open, data.deliveries, (each) => {
    const { closed: _c, closedReason: _r, deferredUntil: _u, deferReason: _d, ...delivery } = each
    return {
      ...delivery,
      forgivenUpTo: each.attempts.at(-1)?.number ?? 0,
      sendableFrom: at,
    }
  })
}

/** For those who fold only some facts of a notification, or none any more: a newer one may concern them, too. */
export const refuseUnknown = (fact: RecordedFact): void => {
  if (fact.schemaVersion !== 1 || !knownTypes.has(fact.type)) unknown(fact)
}

/** Facts before the request cannot be: they are passed over, so that folding is total. */
export const evolve = (state: State, fact: RecordedFact): State => {
  if (fact.schemaVersion !== 1) unknown(fact)
  const at = time(fact.metadata.at)
  const type = fact.type as keyof NotificationEvents
  if (type === 'NotificationRequested') {
    const request = state ?? requested(fact.data as unknown as RequestedData, at)
    return { ...request, revision: fact.revision }
  }
  if (state === undefined) return knownTypes.has(type) ? undefined : unknown(fact)
  const next = evolveOpen(state, fact, at)
  return { ...next, revision: fact.revision }
}

const unknown = (fact: RecordedFact): never => {
  throw new UnknownEvent(fact.type, fact.schemaVersion)
}

const knownTypes: ReadonlySet<string> = new Set([
  'NotificationRequested',
  'NotificationRouted',
  'NotificationDispatched',
  'NotificationAccepted',
  'NotificationDelivered',
  'NotificationUnconfirmed',
  'NotificationFailed',
  'NotificationDeferred',
  'NotificationSuppressed',
  'NotificationCancelled',
  'NotificationExpired',
  'NotificationParked',
  'NotificationRedriven',
] satisfies (keyof NotificationEvents)[])

const evolveOpen = (state: Notification, fact: RecordedFact, at: number): Notification => {
  const data = fact.data as never
  const one = (change: (delivery: Delivery) => Delivery) =>
    mapDelivery(state, (fact.data as { deliveryId: string }).deliveryId, change)
  switch (fact.type as keyof NotificationEvents) {
    case 'NotificationRequested':
      return state
    case 'NotificationRouted':
      return state.routed ? state : routed(state, data, at)
    case 'NotificationDispatched':
      return one((delivery) => dispatched(delivery, data, at))
    case 'NotificationAccepted':
      return one((delivery) => accepted(delivery, data, at))
    case 'NotificationDelivered':
      return one((delivery) => delivered(delivery, data, at))
    case 'NotificationUnconfirmed':
      return one((delivery) => unconfirmed(delivery, data))
    case 'NotificationFailed':
      return one((delivery) => failed(delivery, data, at))
    case 'NotificationDeferred':
      return deferred(state, data)
    case 'NotificationSuppressed':
      return one((delivery) => suppressed(delivery, data, at))
    case 'NotificationCancelled':
      return { ...state, cancelled: true }
    case 'NotificationExpired':
      return closed(state, data, 'expired')
    case 'NotificationParked':
      return closed(state, data, 'parked')
    case 'NotificationRedriven':
      return redriven(state, data, at)
    default:
      return unknown(fact)
  }
}

export const fold = (facts: Iterable<RecordedFact>, from?: State): State => {
  let state = from
  for (const fact of facts) state = evolve(state, fact)
  return state
}
