import { receiptsServedMs } from '#domain/callback/callback.ts'
import type { AcceptedData } from '#domain/notification/events.ts'
import { refuseUnknown } from '#domain/notification/evolve.ts'
import type { Projection } from '../projection.ts'

/** Finds the attempt behind a provider's own message id, for receipts that do not bring our reference. */
export type MessageDocument = {
  readonly notificationId: string
  readonly deliveryId: string
  readonly attempt: number
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** Twilio answers a plain id; SendGrid's receipts append routing detail to it after a dot. */
export const messageKey = (providerMessageId: string): string => providerMessageId.split('.')[0]!

export const messagesProjection: Projection<MessageDocument> = {
  name: 'messages',
  version: 2,
  indexes: [],
  expires: { field: 'expiresAt' },
  idOf(event) {
    if (!event.stream.startsWith('notification-')) return undefined
    refuseUnknown(event)
    if (event.type !== 'NotificationAccepted') return undefined
    const { providerMessageId } = event.data as unknown as AcceptedData
    return providerMessageId === undefined ? undefined : messageKey(providerMessageId)
  },
  evolve(_body, event) {
    const { deliveryId, attempt } = event.data as unknown as AcceptedData
    const notificationId = event.stream.slice('notification-'.length)
    const expiresAt = Date.parse(event.metadata.at) + receiptsServedMs
    return { notificationId, deliveryId, attempt, expiresAt }
  },
}
