import type { Channel } from '#domain/notification/events.ts'
import type { NotificationStatus } from '#domain/notification/status.ts'
import { magicRecipient } from '#sandbox/magic.ts'

/** Who is told something in this campaign, and what must have become of it in the end. */

type To = Readonly<Record<string, unknown>>

/** A user who is registered before the first kill. */
export interface Person {
  readonly userId: string
  readonly profile: Readonly<Record<string, string>>
  readonly devices: readonly { readonly platform: 'ios' | 'android'; readonly token: string }[]
  readonly optedOut?: true
}

export type Expected =
  /** Each of so many deliveries must have been taken by its provider. */
  | { readonly told: number }
  /** No provider may have taken anything, and the notification must have ended like this. */
  | { readonly ends: readonly NotificationStatus[] }

export interface Kind {
  readonly weight: number
  readonly to: (n: number) => To
  readonly channels?: readonly Channel[]
  readonly expects: Expected
}

const peoplePerKind = 8
const numbers = Array.from({ length: peoplePerKind }, (_, index) => index)
/** Magic phones of a name have this many spellings; the others follow them. */
const salts = 100

const hexToken = (n: number): string => `ab${n.toString(16).padStart(62, '0')}`
const ios = (n: number) => ({ platform: 'ios', token: hexToken(n) }) as const
const android = (n: number) => ({ platform: 'android', token: `plain-${n}` }) as const
const phone = (n: number): string => `+8210${String(5_000_000 + n)}`
const mail = (n: number): string => `person${n}@people.example`
const magicDevice = (platform: 'ios' | 'android', name: '429-once' | '500-once', n: number) => ({
  platform,
  token: magicRecipient(platform === 'ios' ? 'apns' : 'fcm', name, n),
})

export const people: readonly Person[] = numbers.flatMap((n): readonly Person[] => [
  { userId: `two-devices-${n}`, profile: {}, devices: [ios(n), android(n)] },
  { userId: `one-device-${n}`, profile: { locale: 'ko' }, devices: [android(100 + n)] },
  {
    userId: `everything-${n}`,
    profile: { phone: phone(n), email: mail(n), locale: 'en' },
    devices: [ios(200 + n)],
  },
  { userId: `flaky-${n}`, profile: {}, devices: [magicDevice('ios', '429-once', n), android(n)] },
  { userId: `lost-answer-${n}`, profile: {}, devices: [magicDevice('android', '500-once', n)] },
  { userId: `opted-out-${n}`, profile: {}, devices: [ios(300 + n)], optedOut: true },
])

const user =
  (name: string) =>
  (n: number): To => ({ userId: `${name}-${n % peoplePerKind}` })
type MagicPhone = '500-once' | 'receipt-repeat' | 'receipt-disorder' | 'receipt-early' | 'stop'
const magicPhone =
  (name: MagicPhone) =>
  (n: number): To => ({ phone: magicRecipient('twilio', name, n % salts) })

export const kinds: readonly Kind[] = [
  { weight: 18, to: user('two-devices'), channels: ['push'], expects: { told: 2 } },
  { weight: 16, to: user('one-device'), expects: { told: 1 } },
  { weight: 8, to: user('everything'), expects: { told: 3 } },
  { weight: 6, to: (n) => ({ device: ios(1_000 + n) }), expects: { told: 1 } },
  { weight: 12, to: (n) => ({ phone: phone(1_000 + n) }), expects: { told: 1 } },
  { weight: 12, to: (n) => ({ email: mail(1_000 + n) }), expects: { told: 1 } },
  { weight: 3, to: magicPhone('receipt-repeat'), expects: { told: 1 } },
  { weight: 3, to: magicPhone('receipt-disorder'), expects: { told: 1 } },
  { weight: 3, to: magicPhone('receipt-early'), expects: { told: 1 } },
  { weight: 5, to: user('flaky'), expects: { told: 2 } },
  { weight: 3, to: user('lost-answer'), expects: { told: 1 } },
  { weight: 2, to: magicPhone('500-once'), expects: { told: 1 } },
  {
    weight: 2,
    to: (n) => ({ email: magicRecipient('sendgrid', '503-once', n) }),
    expects: { told: 1 },
  },
  { weight: 2, to: magicPhone('stop'), expects: { ends: ['failed', 'suppressed'] } },
  {
    weight: 2,
    to: (n) => ({ device: { platform: 'ios', token: magicRecipient('apns', 'dead', n) } }),
    expects: { ends: ['failed', 'suppressed'] },
  },
  { weight: 2, to: user('opted-out'), expects: { ends: ['suppressed'] } },
  { weight: 1, to: user('nobody'), expects: { ends: ['suppressed'] } },
]
