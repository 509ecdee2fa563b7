import type { Platform } from '#domain/notification/events.ts'
import type { Preferences } from '#domain/recipient/recipient.ts'
import type { NotificationRequest } from '#handlers/accept.ts'
import type { Service } from './open-service.ts'

export interface Person {
  readonly userId?: string
  readonly phone?: string
  readonly email?: string
  readonly locale?: string
  /** Platform of each device; its token is `token-<deviceId>`. */
  readonly devices?: Readonly<Record<string, Platform>>
  readonly preferences?: Preferences
}

/** Registers somebody; Mina with one iPhone unless said otherwise. */
export const addPerson = async (service: Service, person: Person = {}): Promise<string> => {
  const { userId = 'mina', devices = { phone: 'ios' }, preferences, ...profile } = person
  await service.changeRecipient(userId, { do: 'update', app: 'shop', userId, profile })
  for (const [deviceId, platform] of Object.entries(devices)) {
    const token = `token-${deviceId}`
    await service.changeRecipient(userId, { do: 'add-device', deviceId, platform, token })
  }
  if (preferences) {
    await service.changeRecipient(userId, { do: 'change-preferences', preferences })
  }
  return userId
}

export const optOut = (service: Service, userId = 'mina', preferences: Preferences = noThanks) =>
  service.changeRecipient(userId, { do: 'change-preferences', preferences })

export const noThanks: Preferences = { receive: false }

let asked = 0

/** A request with a new event id, to Mina, with text for every channel. */
export const request = (over: Partial<NotificationRequest> = {}): NotificationRequest => {
  asked += 1
  return {
    eventId: `event-${asked}`,
    to: { userId: 'mina' },
    content: { title: 'Hello', body: 'Your order has left.', subject: 'Your order' },
    ...over,
  }
}

export const toPhone = (over: Partial<NotificationRequest> = {}): NotificationRequest =>
  request({ to: { phone: '+821012345678' }, ...over })
