import type { Preferences } from '#domain/recipient/recipient.ts'
import { type MagicName, magicRecipient } from '#sandbox/magic.ts'

/** What sets some people apart. What is absent is as with everybody else. */
export interface Peculiar {
  readonly preferences?: Preferences
  /** Instead of the usual devices. */
  readonly device?: { readonly platform: 'ios' | 'android'; readonly token: string }
  readonly phone?: string
  readonly email?: string
}

export interface PeopleKind {
  readonly name: string
  /** Of a thousand people; `once`: one person, however many there are. */
  readonly share: number | 'once'
  /** `nth` counts the people of this kind from 0; what it makes is the same every time. */
  readonly make: (nth: number) => Peculiar
}

const said = (name: string, share: number, preferences: Preferences): PeopleKind => ({
  name,
  share,
  make: () => ({ preferences }),
})

const onDevice = (
  platform: 'ios' | 'android',
  name: MagicName,
  share: PeopleKind['share'],
): PeopleKind => ({
  name: `${platform} ${name}`,
  share,
  make: (nth) => ({
    device: { platform, token: magicRecipient(platform === 'ios' ? 'apns' : 'fcm', name, nth) },
  }),
})

/** These want no push: what becomes of their SMS is what becomes of their alert. */
const bySms = (name: MagicName, share: PeopleKind['share']): PeopleKind => ({
  name: `sms ${name}`,
  share,
  make: (nth) => ({
    preferences: { channels: { push: false, email: false } },
    phone: magicRecipient('twilio', name, nth % 100),
  }),
})

const byEmail = (name: MagicName, share: PeopleKind['share']): PeopleKind => ({
  name: `email ${name}`,
  share,
  make: (nth) => ({
    preferences: { channels: { push: false, sms: false } },
    email: magicRecipient('sendgrid', name, nth),
  }),
})

/** Everything that happens at a real provider happens to somebody. All others are ordinary. */
export const peopleKinds: readonly PeopleKind[] = [
  said('wants nothing', 15, { receive: false }),
  said('wants no SMS', 15, { channels: { sms: false } }),
  said('wants no e-mail', 15, { channels: { email: false } }),
  said('wants no earthquakes', 10, { categories: { earthquake: false } }),
  said('wants earthquakes by push alone', 10, {
    categories: { earthquake: { channels: { sms: false, email: false } } },
  }),
  onDevice('ios', 'dead', 6),
  onDevice('android', 'dead', 6),
  onDevice('ios', '429-once', 5),
  onDevice('android', '429-retry-after-once', 5),
  onDevice('ios', '503-twice', 3),
  onDevice('android', '500-once', 5),
  onDevice('ios', 'cut-once', 3),
  onDevice('android', 'silent-once', 'once'),
  bySms('stop', 5),
  bySms('dead', 3),
  bySms('429-once', 3),
  bySms('receipt-late', 3),
  bySms('receipt-repeat', 3),
  bySms('receipt-disorder', 3),
  bySms('receipt-early', 3),
  bySms('receipt-never', 3),
  bySms('receipt-failed', 3),
  // Twilio's 503 leaves open whether it took the message, and an SMS cannot be taken back: after
  // three of them a person has to look.
  bySms('503', 'once'),
  byEmail('500-once', 3),
  byEmail('receipt-late', 3),
  byEmail('receipt-repeat', 3),
  byEmail('receipt-disorder', 3),
  byEmail('receipt-early', 3),
  byEmail('receipt-never', 3),
  byEmail('receipt-failed', 3),
  byEmail('receipt-complaint', 3),
  byEmail('stop', 3),
]

export const ordinary: PeopleKind = { name: 'ordinary', share: 0, make: () => ({}) }
