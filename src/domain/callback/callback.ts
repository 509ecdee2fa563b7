import { type RecordedFact, UnknownEvent } from '../recorded-fact.ts'

/** A verified receipt that no attempt was found for, from when it came until it was matched or given up. */
export interface CallbackEvents {
  CallbackQuarantined: {
    readonly callbackId: string
    readonly provider: string
    /** As the provider's reader gave it; it names no person. */
    readonly receipt: Readonly<Record<string, unknown>>
  }
  CallbackMatched: { readonly callbackId: string }
  CallbackExpired: { readonly callbackId: string }
}
export type CallbackEventType = keyof CallbackEvents

export type CallbackEvent = {
  readonly [T in CallbackEventType]: { readonly type: T; readonly data: CallbackEvents[T] }
}[CallbackEventType]

export interface Callback {
  /** Of the stream, which other callbacks of the day share. */
  readonly revision: number
  readonly callbackId: string
  readonly provider: string
  readonly receipt: Readonly<Record<string, unknown>>
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  readonly status: 'waiting' | 'matched' | 'expired'
}

/** Receipts may come long before what they belong to is known, but not for ever. */
export const quarantineMs = 3 * 24 * 3_600_000

/**
 * A receipt finds its attempt for so long after the provider took the message, and is itself looked up for so long
 * after it came. Longer than any receipt may take (240 h, the most that can be set) and then wait (`quarantineMs`).
 */
export const receiptsServedMs = 30 * 24 * 3_600_000

/** One stream holds the callbacks of an app and a day; this folds one of them. */
export const evolveCallback = (
  state: Callback | undefined,
  fact: RecordedFact,
): Callback | undefined => {
  if (fact.schemaVersion !== 1) throw new UnknownEvent(fact.type, fact.schemaVersion)
  const { revision } = fact
  switch (fact.type as CallbackEventType) {
    case 'CallbackQuarantined': {
      const data = fact.data as CallbackEvents['CallbackQuarantined']
      const receivedAt = Date.parse(fact.metadata.at)
      return state ? { ...state, revision } : { revision, ...data, receivedAt, status: 'waiting' }
    }
    case 'CallbackMatched':
      return state && { ...state, revision, status: 'matched' }
    case 'CallbackExpired':
      return (
        state && { ...state, revision, status: state.status === 'matched' ? 'matched' : 'expired' }
      )
    default:
      throw new UnknownEvent(fact.type, fact.schemaVersion)
  }
}
