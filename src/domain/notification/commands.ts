import type {
  DeferredData,
  FailureOutcome,
  PassedOver,
  PlannedDelivery,
  RequestedData,
  RequestedPersonal,
  SuppressionReason,
} from './events.ts'
import type { ChannelPolicy } from './policy.ts'

/** What may be asked of a notification. Times are milliseconds since the epoch and come from outside. */
export type Command =
  | {
      readonly do: 'request'
      readonly data: RequestedData
      readonly personal: RequestedPersonal
    }
  | {
      readonly do: 'route'
      readonly deliveries: readonly PlannedDelivery[]
      readonly passedOver: readonly PassedOver[]
      readonly locale: string
      readonly localeAsked?: string
    }
  | {
      readonly do: 'dispatch'
      readonly deliveryId: string
      readonly deadline: number
      readonly contentHash: string
      /** The address this attempt goes to. */
      readonly to: string
    }
  | RecordOutcome
  | RecordReceipt
  | {
      readonly do: 'resolve'
      readonly deliveryId: string
      readonly attempt: number
      readonly now: number
      readonly fraction: number
      readonly policy: ChannelPolicy
    }
  | {
      readonly do: 'suppress'
      readonly deliveryId: string
      readonly attempt: number
      readonly reason: SuppressionReason
      readonly rule: string
      readonly seen: Readonly<Record<string, unknown>>
    }
  | ({ readonly do: 'defer' } & Omit<DeferredData, 'until'> & { readonly until: number })
  | { readonly do: 'unconfirm'; readonly deliveryId: string; readonly attempt: number }
  | {
      readonly do: 'expire' | 'park'
      readonly deliveries: readonly string[]
      readonly reason: string
    }
  | { readonly do: 'cancel'; readonly reason: string }
  | { readonly do: 'redrive'; readonly reason: string; readonly force: boolean }

/** The provider's answer to an attempt. */
export interface RecordOutcome {
  readonly do: 'record-outcome'
  readonly deliveryId: string
  readonly attempt: number
  readonly now: number
  /** Random, in [0, 1): spreads retries. */
  readonly fraction: number
  readonly policy: ChannelPolicy
  readonly outcome:
    | { readonly is: 'delivered' | 'accepted'; readonly providerMessageId?: string }
    | {
        readonly is: FailureOutcome
        readonly code: string
        readonly reason: string
        readonly afterMs?: number
      }
}

/** What the provider said later. */
export interface RecordReceipt {
  readonly do: 'record-receipt'
  readonly deliveryId: string
  readonly attempt: number
  readonly now: number
  readonly fraction: number
  readonly policy: ChannelPolicy
  readonly providerMessageId?: string
  readonly receipt:
    | { readonly is: 'delivered' }
    /** The provider has it. */
    | { readonly is: 'accepted' }
    | {
        /** `ambiguous`: it failed on its way after the provider took it, and may have arrived or not. */
        readonly is: 'ambiguous' | 'permanent' | 'endpoint-invalid' | 'opted-out'
        readonly code: string
        readonly reason: string
      }
}
