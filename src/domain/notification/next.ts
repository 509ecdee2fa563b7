import type { Lane } from './events.ts'
import { parkAfterMs, resolveGraceMs } from './policy.ts'
import type { Attempt, Delivery, Notification, State } from './state.ts'
import { deliveryStatus, isOpen, openAttempt, statusOf } from './status.ts'

/** What has to happen now; `deliveryId` is absent for the notification as a whole. */
export type Action =
  | { readonly do: 'route' }
  | { readonly do: 'dispatch'; readonly deliveryId: string }
  | { readonly do: 'resolve'; readonly deliveryId: string; readonly attempt: number }
  | { readonly do: 'unconfirm'; readonly deliveryId: string; readonly attempt: number }
  | { readonly do: 'expire' | 'park'; readonly deliveryId?: string }

/** The accepted attempt whose receipt is awaited, the one due first. */
const awaited = (delivery: Delivery): Attempt | undefined =>
  delivery.attempts
    .filter((attempt) => attempt.outcome === 'accepted' && !attempt.unconfirmed)
    .sort((a, b) => (a.receiptDueAt ?? a.at) - (b.receiptDueAt ?? b.at))[0]

const nextForDelivery = (
  notification: Notification,
  delivery: Delivery,
  now: number,
): Action | undefined => {
  const { deliveryId } = delivery
  const status = deliveryStatus(notification, delivery)
  if (!isOpen(status)) return undefined
  const open = openAttempt(delivery)
  if (open) {
    if (now < open.deadline + resolveGraceMs) return undefined
    return { do: 'resolve', deliveryId, attempt: open.number }
  }
  if (status === 'accepted') {
    const attempt = awaited(delivery)!
    if (now < (attempt.receiptDueAt ?? attempt.at)) return undefined
    return { do: 'unconfirm', deliveryId, attempt: attempt.number }
  }
  if (now >= (notification.expiresAt ?? Infinity)) return { do: 'expire', deliveryId }
  if (now >= notification.openSince + parkAfterMs) return { do: 'park', deliveryId }
  if (now < sendableAt(notification, delivery)) return undefined
  return { do: givenUp(delivery) ? 'park' : 'dispatch', deliveryId }
}

/** A failure that is neither final nor to be tried again waits for a person. */
const givenUp = (delivery: Delivery): boolean => {
  const last = delivery.attempts.at(-1)
  if (last === undefined || last.number <= delivery.forgivenUpTo) return false
  return last.outcome !== undefined && last.retryAt === undefined && !last.final
}

const sendableAt = (notification: Notification, delivery: Delivery): number => {
  const last = delivery.attempts.at(-1)
  const at =
    last === undefined || last.number <= delivery.forgivenUpTo
      ? delivery.sendableFrom
      : (last.retryAt ?? last.outcomeAt ?? notification.requestedAt)
  // A deferral never shortens what the provider asked for, nor holds up what is to be parked.
  return givenUp(delivery) ? at : Math.max(at, delivery.deferredUntil ?? at)
}

const nextBeforeRouting = (notification: Notification, now: number): Action | undefined => {
  if (!isOpen(statusOf(notification))) return undefined
  if (now >= (notification.expiresAt ?? Infinity)) return { do: 'expire' }
  if (now >= notification.openSince + parkAfterMs) return { do: 'park' }
  return now < routableAt(notification) ? undefined : { do: 'route' }
}

const routableAt = (notification: Notification): number =>
  Math.max(notification.requestedAt, notification.sendAt ?? 0, notification.deferredUntil ?? 0)

/** What is due on a lane: at most one action a delivery. Empty: this lane has nothing to do now. */
export const next = (state: State, lane: Lane, now: number): readonly Action[] => {
  if (state === undefined) return []
  if (!state.routed) {
    const action = lane === 'route' ? nextBeforeRouting(state, now) : undefined
    return action ? [action] : []
  }
  const actions: Action[] = []
  for (const delivery of state.deliveries) {
    if (delivery.channel !== lane) continue
    const action = nextForDelivery(state, delivery, now)
    if (action) actions.push(action)
  }
  return actions
}

/** When `next` will answer something for this delivery if nothing else happens. */
const dueOf = (
  notification: Notification,
  delivery: Delivery,
  hintGraceMs: number,
): number | undefined => {
  const status = deliveryStatus(notification, delivery)
  if (!isOpen(status)) return undefined
  const open = openAttempt(delivery)
  if (open) return open.deadline + resolveGraceMs
  if (status === 'accepted') {
    const attempt = awaited(delivery)!
    return attempt.receiptDueAt ?? attempt.at
  }
  const hinted = status === 'routed' && delivery.attempts.length === 0 && !notification.redriven
  return earliest(notification, sendableAt(notification, delivery) + (hinted ? hintGraceMs : 0))
}

const earliest = (notification: Notification, at: number): number =>
  Math.min(at, notification.expiresAt ?? Infinity, notification.openSince + parkAfterMs)

/**
 * The agenda: by when something must happen next, per lane. Whatever is open has a due time. What the relay
 * tells a lane anyway is due `hintGraceMs` later, so that it is not told twice.
 */
export const dueTimes = (
  notification: Notification,
  hintGraceMs = 0,
): Readonly<Partial<Record<Lane, number>>> => {
  if (!notification.routed) {
    const status = statusOf(notification)
    if (!isOpen(status)) return {}
    const hinted = status === 'requested' && !notification.redriven
    return { route: earliest(notification, routableAt(notification) + (hinted ? hintGraceMs : 0)) }
  }
  const due: Partial<Record<Lane, number>> = {}
  for (const delivery of notification.deliveries) {
    const at = dueOf(notification, delivery, hintGraceMs)
    if (at !== undefined) due[delivery.channel] = Math.min(due[delivery.channel] ?? Infinity, at)
  }
  return due
}
