import type {
  Channel,
  EndpointRef,
  FailureOutcome,
  PassedOver,
  Priority,
  RecipientRef,
  SuppressionReason,
} from './events.ts'

/** What is known of one try. Merged from facts that may come in any order, see merge.ts. */
export interface Attempt {
  readonly number: number
  /** Milliseconds since the epoch, as all times here. */
  readonly at: number
  readonly deadline: number
  readonly contentHash: string
  /** Absent while the attempt is open. */
  readonly outcome?: AttemptOutcome
  readonly evidence?: 'answer' | 'provider' | 'receipt' | 'resolve' | 'tail'
  readonly outcomeAt?: number
  readonly code?: string
  readonly reason?: string
  readonly retryAt?: number
  readonly final?: boolean
  readonly providerMessageId?: string
  readonly receiptDueAt?: number
  readonly unconfirmed?: true
}

export type AttemptOutcome = 'accepted' | 'delivered' | 'suppressed' | FailureOutcome

export interface Delivery {
  readonly deliveryId: string
  readonly channel: Channel
  readonly provider: string
  readonly credential: string
  readonly endpoint: EndpointRef
  readonly attempts: readonly Attempt[]
  readonly deferredUntil?: number
  readonly deferReason?: string
  readonly suppressed?: { readonly reason: SuppressionReason; readonly rule: string }
  readonly closed?: 'expired' | 'parked'
  readonly closedReason?: string
  /** Failures of attempts up to this number were forgiven by a redrive. */
  readonly forgivenUpTo: number
  /** When it became sendable, was redriven last, or was routed. */
  readonly sendableFrom: number
}

/** A notification that was requested. Holds nothing personal: it is stored as the read model. */
export interface Notification {
  readonly revision: number
  readonly app: string
  readonly eventId: string
  readonly fingerprint: string
  readonly recipient: RecipientRef
  readonly category: string
  readonly purpose: 'security' | 'transactional' | 'ad'
  readonly priority: Priority
  readonly template?: { readonly name: string; readonly version: number }
  readonly noResend: boolean
  readonly channels?: readonly Channel[]
  readonly requestedAt: number
  readonly sendAt?: number
  readonly expiresAt?: number
  /** Start of the 72 hours after which what is still open is parked. */
  readonly openSince: number
  readonly routed: boolean
  readonly locale?: string
  readonly deliveries: readonly Delivery[]
  readonly passedOver: readonly PassedOver[]
  readonly cancelled: boolean
  readonly redriven?: true
  /** Only before it was routed; later each delivery has its own. */
  readonly deferredUntil?: number
  readonly deferReason?: string
  readonly closed?: 'expired' | 'parked'
  readonly closedReason?: string
}

/** `undefined`: nothing was requested under this id. */
export type State = Notification | undefined
