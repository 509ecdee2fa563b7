import type { Channel as ChannelName, Platform, Priority } from '#domain/notification/events.ts'

export type ProviderName = 'apns' | 'fcm' | 'twilio' | 'sendgrid'

export type Address =
  | { readonly kind: 'device'; readonly platform: Platform; readonly token: string }
  | { readonly kind: 'phone'; readonly phone: string }
  | { readonly kind: 'email'; readonly email: string }

/** What is shown to the person; already rendered, with no markers left. */
export interface RenderedContent {
  readonly title?: string
  readonly body: string
  readonly subject?: string
  readonly html?: string
}

export interface Message {
  readonly channel: ChannelName
  readonly app: string
  readonly to: Address
  readonly content: RenderedContent
  readonly priority: Priority
  /** At most 64 ASCII characters, the same for every attempt: a repeated push replaces the first on the screen. */
  readonly collapseId: string
  /** A UUID, the same for every attempt of this delivery. */
  readonly deliveryUuid: string
  /** `notification.delivery.attempt.signature`: the provider echoes it in its receipts. */
  readonly ref: string
  /** After this the provider need not deliver any more; milliseconds since the epoch. */
  readonly expiresAt?: number
}

/** What the provider's answer means. `code` is ours or the provider's, stable; `reason` is for people. */
export type Outcome =
  | { readonly is: 'delivered' | 'accepted'; readonly providerMessageId?: string }
  | {
      /** Certainly not sent. `afterMs`: the provider said not to come back before. */
      readonly is: 'retry'
      readonly code: string
      readonly reason: string
      readonly afterMs?: number
    }
  | { readonly is: 'ambiguous'; readonly code: string; readonly reason: string }
  | {
      readonly is: 'permanent' | 'endpoint-invalid' | 'opted-out' | 'config'
      readonly code: string
      readonly reason: string
      /** What the provider said that proves it, for instance APNs' timestamp (ISO) of a dead token. */
      readonly evidence?: Readonly<Record<string, string | number>>
    }

export interface Attempt {
  readonly deliveryId: string
  readonly number: number
  /** Fires at the deadline. */
  readonly signal: AbortSignal
  /**
   * Called just before the first byte may leave; not at all: nothing left. Called again before a message is
   * repeated that the provider certainly has not looked at. Throwing keeps the message back, which is a `retry`.
   */
  readonly onFirstByte?: () => void
  /**
   * Called when the whole request is written: from here on the provider may have it. A turn of the event loop
   * later it has left the process, and no answer has been read before that turn.
   */
  readonly onWritten?: () => void
  /** When the notification could be sent first; milliseconds since the epoch. Only for measuring. */
  readonly sendableAt?: number
}

/**
 * Sends one message once. Never throws for what a provider said or did, never retries inside, and settles
 * soon after `signal` fired whatever the socket does.
 */
export interface Channel {
  readonly provider: ProviderName
  send(message: Message, attempt: Attempt): Promise<Outcome>
}

export type DisposableChannel = Channel & AsyncDisposable

/** What a provider says later about an attempt. */
export interface Receipt {
  /** As sent in `Message.ref`; absent or not ours when the provider did not echo it. */
  readonly ref?: string
  readonly providerMessageId?: string
  /** The same for each repetition of one receipt. */
  readonly dedupeKey: string
  readonly outcome:
    | { readonly is: 'delivered' }
    /** `accepted`: the provider has it, and has not come to an end with it. `progress`: says nothing that counts. */
    | { readonly is: 'accepted'; readonly code: string }
    | { readonly is: 'progress'; readonly code: string }
    | {
        readonly is: 'retry' | 'permanent' | 'endpoint-invalid' | 'opted-out' | 'complaint'
        readonly code: string
        readonly reason: string
      }
}

export interface ReceiptRequest {
  /** Path and query as received, for instance `/v1/callbacks/twilio/default?ref=…`. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
  readonly now: number
}

/** Verifies a provider's callback on its raw bytes. */
export interface ReceiptReader {
  readonly provider: ProviderName
  /** `undefined`: not authentic (forged, or too old). Throws nothing. */
  read(request: ReceiptRequest): readonly Receipt[] | undefined
}
