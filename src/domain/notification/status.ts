import type { Attempt, Delivery, Notification } from './state.ts'

export type DeliveryStatus =
  | 'routed'
  | 'deferred'
  | 'retrying'
  | 'dispatched'
  | 'accepted'
  | 'delivered'
  | 'unconfirmed'
  | 'failed'
  | 'unknown'
  | 'expired'
  | 'cancelled'
  | 'suppressed'
  | 'parked'

export const notificationStatuses = [
  'requested',
  'scheduled',
  'routed',
  'deferred',
  'retrying',
  'dispatched',
  'accepted',
  'parked',
  'delivered',
  'unconfirmed',
  'failed',
  'unknown',
  'expired',
  'cancelled',
  'suppressed',
] as const
export type NotificationStatus = (typeof notificationStatuses)[number]

/** Open deliveries, the furthest along first. */
const openOrder = ['accepted', 'dispatched', 'retrying', 'deferred', 'routed'] as const
/** What a finished notification is called: the first of these that any delivery is. */
const finishedOrder = [
  'delivered',
  'unconfirmed',
  'failed',
  'unknown',
  'expired',
  'cancelled',
  'suppressed',
] as const

const openStatuses: ReadonlySet<string> = new Set(['requested', 'scheduled', ...openOrder])

export const isOpen = (status: DeliveryStatus | NotificationStatus): boolean =>
  openStatuses.has(status)

/** Open, nothing under way and nothing awaited: it may be sent, put off or closed. */
export const isWaiting = (status: DeliveryStatus): boolean =>
  status === 'routed' || status === 'deferred' || status === 'retrying'

/** Terminal, and nobody has to look. */
export const isFinished = (status: NotificationStatus): boolean =>
  !isOpen(status) && status !== 'parked'

export const openAttempt = (delivery: Delivery): Attempt | undefined => {
  const last = delivery.attempts.at(-1)
  return last !== undefined && last.outcome === undefined ? last : undefined
}

/** A function of the set of facts, never of their order; each line is a row of the status test. */
export const deliveryStatus = (notification: Notification, delivery: Delivery): DeliveryStatus => {
  const { attempts } = delivery
  if (attempts.some((attempt) => attempt.outcome === 'delivered')) return 'delivered'
  if (openAttempt(delivery)) return 'dispatched'
  const accepted = attempts.filter((attempt) => attempt.outcome === 'accepted')
  if (accepted.some((attempt) => !attempt.unconfirmed)) return 'accepted'
  if (accepted.length > 0) return 'unconfirmed'
  if (delivery.suppressed) return 'suppressed'
  const counted = attempts.filter((attempt) => attempt.number > delivery.forgivenUpTo)
  const final = counted.filter((attempt) => attempt.final)
  if (final.some((attempt) => attempt.outcome !== 'ambiguous')) return 'failed'
  if (final.length > 0) return 'unknown'
  // What had expired before was not stopped by the cancel; what was parked is.
  if (delivery.closed === 'expired') return 'expired'
  if (notification.cancelled) return 'cancelled'
  if (delivery.closed) return delivery.closed
  if (delivery.deferredUntil !== undefined) return 'deferred'
  return counted.length > 0 ? 'retrying' : 'routed'
}

const statusBeforeRouting = (notification: Notification): NotificationStatus => {
  if (notification.cancelled) return 'cancelled'
  if (notification.closed) return notification.closed
  if (notification.deferredUntil !== undefined) return 'deferred'
  return (notification.sendAt ?? 0) > notification.requestedAt ? 'scheduled' : 'requested'
}

/** Design, "Events of a notification": open, else parked, else the first of the finished order. */
export const statusOf = (notification: Notification): NotificationStatus => {
  if (!notification.routed) return statusBeforeRouting(notification)
  if (notification.deliveries.length === 0) return 'suppressed'
  if (notification.deliveries.length === 1) {
    return deliveryStatus(notification, notification.deliveries[0]!)
  }
  const statuses = notification.deliveries.map((each) => deliveryStatus(notification, each))
  return (
    openOrder.find((status) => statuses.includes(status)) ??
    (statuses.includes('parked') ? 'parked' : undefined) ??
    finishedOrder.find((status) => statuses.includes(status))!
  )
}
