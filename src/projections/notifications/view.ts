import type { EndpointRef, PassedOver } from '#domain/notification/events.ts'
import type { Attempt, Delivery, Notification } from '#domain/notification/state.ts'
import { deliveryStatus, statusOf } from '#domain/notification/status.ts'

export interface AttemptView {
  readonly number: number
  readonly at: string
  /** Absent while the attempt is under way. */
  readonly outcome?: string
  readonly code?: string
  readonly reason?: string
  readonly retryAt?: string
  readonly evidence?: string
  /** Only for those who may see it. */
  readonly to?: string
}

export interface DeliveryView {
  readonly deliveryId: string
  readonly channel: string
  readonly provider: string
  readonly endpoint: EndpointRef
  readonly status: string
  readonly attempts: readonly AttemptView[]
}

/** What is answered about a notification; endpoints are masked. */
export interface NotificationView {
  readonly id: string
  readonly eventId: string
  /** `absent`: at the time asked for it had not been requested. */
  readonly status: string
  readonly category?: string
  readonly priority?: string
  readonly requestedAt?: string
  readonly sendAt?: string
  readonly expiresAt?: string
  readonly revision: number
  readonly deliveries: readonly DeliveryView[]
  readonly passedOver: readonly Pick<PassedOver, 'endpoint' | 'reason' | 'rule'>[]
  /** Why what is shown ends before the newest event. */
  readonly stale?: string
}

/** Where each attempt went, by `deliveryId/attempt`. */
export type Addresses = ReadonlyMap<string, string>
export const addressKey = (deliveryId: string, attempt: number): string =>
  `${deliveryId}/${attempt}`

const iso = (ms: number): string => new Date(ms).toISOString()

const attemptView = (attempt: Attempt, to: string | undefined): AttemptView => {
  const { number, at, outcome, code, reason, retryAt, evidence } = attempt
  return {
    number,
    at: iso(at),
    ...(outcome !== undefined && { outcome }),
    ...(code !== undefined && { code }),
    ...(reason !== undefined && { reason }),
    ...(retryAt !== undefined && { retryAt: iso(retryAt) }),
    ...(evidence !== undefined && { evidence }),
    ...(to !== undefined && { to }),
  }
}

const deliveryView = (
  notification: Notification,
  delivery: Delivery,
  addresses: Addresses | undefined,
): DeliveryView => {
  const { deliveryId, channel, provider, endpoint, attempts } = delivery
  return {
    deliveryId,
    channel,
    provider,
    endpoint,
    status: deliveryStatus(notification, delivery),
    attempts: attempts.map((each) =>
      attemptView(each, addresses?.get(addressKey(deliveryId, each.number))),
    ),
  }
}

export const viewOf = (
  id: string,
  notification: Notification,
  addresses?: Addresses,
): NotificationView => {
  const { eventId, category, priority, requestedAt, sendAt, expiresAt, revision } = notification
  return {
    id,
    eventId,
    status: statusOf(notification),
    category,
    priority,
    requestedAt: iso(requestedAt),
    ...(sendAt !== undefined && { sendAt: iso(sendAt) }),
    ...(expiresAt !== undefined && { expiresAt: iso(expiresAt) }),
    revision,
    deliveries: notification.deliveries.map((each) => deliveryView(notification, each, addresses)),
    passedOver: notification.passedOver.map(({ endpoint, reason, rule }) => ({
      endpoint,
      reason,
      rule,
    })),
  }
}

/** As it was before it was requested. */
export const absentView = (id: string, eventId: string): NotificationView => ({
  id,
  eventId,
  status: 'absent',
  revision: -1,
  deliveries: [],
  passedOver: [],
})
