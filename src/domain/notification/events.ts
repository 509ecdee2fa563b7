/** Everything that can be recorded of a notification, and the words these facts use. */

export const channels = ['push', 'sms', 'email'] as const
export type Channel = (typeof channels)[number]

/** A queue of work: routing, or the sending of one channel. */
export type Lane = 'route' | Channel
export const lanes: readonly Lane[] = ['route', ...channels]

export const priorities = ['urgent', 'normal', 'bulk'] as const
export type Priority = (typeof priorities)[number]

export const platforms = ['ios', 'android', 'web', 'macos', 'windows'] as const
export type Platform = (typeof platforms)[number]

/** RFC 3339 in UTC with milliseconds, so that texts order as times do. */
export type Timestamp = string

export type RecipientRef =
  | { readonly kind: 'user'; readonly userId: string }
  /** A bare address; the address itself is personal. */
  | { readonly kind: 'address'; readonly endpoint: EndpointRef }

/** Names an endpoint without giving it away. */
export interface EndpointRef {
  readonly kind: 'device' | 'phone' | 'email'
  /** For devices of a user. */
  readonly deviceId?: string
  readonly platform?: Platform
  /** For people: `+82********78`, `j***@example.org`, or a device's first characters. */
  readonly masked: string
}

export interface Content {
  readonly title?: string
  readonly body?: string
  readonly subject?: string
  readonly html?: string
}

export interface RequestedData {
  readonly app: string
  readonly eventId: string
  readonly fingerprint: string
  readonly fingerprintVersion: number
  readonly recipient: RecipientRef
  readonly category: string
  readonly purpose: 'security' | 'transactional' | 'ad'
  readonly priority: Priority
  /** Absent: literal content, kept in `personal`. */
  readonly template?: { readonly name: string; readonly version: number }
  /** Of the template: an attempt whose fate is unknown is not repeated. */
  readonly noResend?: true
  readonly channels?: readonly Channel[]
  readonly sendAt?: Timestamp
  readonly expiresAt?: Timestamp
}

/** The address as it was given. */
export type BareAddress =
  | { readonly email: string }
  | { readonly phone: string }
  | { readonly device: { readonly platform: Platform; readonly token: string } }

export interface RequestedPersonal {
  readonly data?: Readonly<Record<string, unknown>>
  readonly to?: BareAddress
  readonly content?: Content
}

export interface PlannedDelivery {
  readonly deliveryId: string
  readonly channel: Channel
  readonly provider: string
  readonly credential: string
  readonly endpoint: EndpointRef
}

/** Why an endpoint was not used. `seen` holds the values the rule looked at; nothing personal. */
export interface PassedOver {
  readonly endpoint: EndpointRef | { readonly kind: Channel | 'recipient'; readonly masked: string }
  readonly reason: SuppressionReason
  readonly rule: string
  readonly seen: Readonly<Record<string, unknown>>
}

export const suppressionReasons = [
  'recipient-unknown',
  'no-endpoint',
  'opted-out',
  'address-suppressed',
  'device-removed',
  'channel-not-in-template',
  'channel-not-requested',
  'platform-not-supported',
] as const
export type SuppressionReason = (typeof suppressionReasons)[number]

export interface RoutedData {
  /** As requested; here so that the next lane can be told without reading the stream. */
  readonly priority: Priority
  readonly deliveries: readonly PlannedDelivery[]
  readonly passedOver: readonly PassedOver[]
  /** The locale chosen, and the one asked for when a fallback was taken. */
  readonly locale: string
  readonly localeAsked?: string
}

export interface DispatchedData {
  readonly deliveryId: string
  readonly attempt: number
  readonly provider: string
  readonly credential: string
  readonly deadline: Timestamp
  /** SHA-256 of what is shown to the person. */
  readonly contentHash: string
}

export interface DispatchedPersonal {
  /** Where this attempt goes: token, phone number or e-mail address. */
  readonly to: string
}

export interface AcceptedData {
  readonly deliveryId: string
  readonly attempt: number
  readonly providerMessageId?: string
  readonly receiptDueAt: Timestamp
}

export interface DeliveredData {
  readonly deliveryId: string
  readonly attempt: number
  /** `provider`: this channel has no receipts, the answer is all there is. */
  readonly evidence: 'provider' | 'receipt'
  readonly providerMessageId?: string
}

export type FailureOutcome =
  | 'retry'
  | 'ambiguous'
  | 'permanent'
  | 'endpoint-invalid'
  | 'opted-out'
  | 'config'

export interface FailedData {
  readonly deliveryId: string
  readonly attempt: number
  readonly outcome: FailureOutcome
  readonly code: string
  readonly reason: string
  /** Who said so: the provider's answer, its receipt, or we, after no answer came. */
  readonly evidence: 'answer' | 'receipt' | 'resolve'
  /** Absent and not final: a person has to look, the delivery is parked. */
  readonly retryAt?: Timestamp
  readonly final: boolean
}

export interface DeferredData {
  /** Empty: the whole notification, before it was routed. */
  readonly deliveries: readonly string[]
  readonly until: Timestamp
  readonly reason: 'quiet-hours' | 'frequency-cap' | 'provider-paused'
  readonly rule: string
}

export interface SuppressedData {
  readonly deliveryId: string
  /** The fenced attempt that was given up: certainly not sent. */
  readonly attempt: number
  readonly reason: SuppressionReason
  readonly rule: string
  readonly seen: Readonly<Record<string, unknown>>
}

interface Concerned {
  /** Empty: the notification had not been routed yet. */
  readonly deliveries: readonly string[]
  readonly reason: string
}

export interface NotificationEvents {
  NotificationRequested: RequestedData
  NotificationRouted: RoutedData
  NotificationDispatched: DispatchedData
  NotificationAccepted: AcceptedData
  NotificationDelivered: DeliveredData
  NotificationUnconfirmed: { readonly deliveryId: string; readonly attempt: number }
  NotificationFailed: FailedData
  NotificationDeferred: DeferredData
  NotificationSuppressed: SuppressedData
  NotificationCancelled: Concerned
  NotificationExpired: Concerned
  NotificationParked: Concerned
  NotificationRedriven: Concerned & { readonly force: boolean }
}

export type NotificationEventType = keyof NotificationEvents

/** A fact as a decider gives it: no id, no place, no time. */
export type NotificationEvent = {
  readonly [T in NotificationEventType]: {
    readonly type: T
    readonly data: NotificationEvents[T]
    readonly personal?: RequestedPersonal | DispatchedPersonal
  }
}[NotificationEventType]
