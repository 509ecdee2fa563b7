import type { Channel } from './events.ts'

/** How one channel is sent; defaults from the providers' own advice, all settable. */
export interface ChannelPolicy {
  /** How long one attempt may take, in milliseconds. */
  readonly deadlineMs: number
  readonly backoffBaseMs: number
  readonly backoffCapMs: number
  /** How long a receipt may take; only for channels that have receipts. */
  readonly receiptTimeoutMs: number
  /** A repeated message replaces the first one: sending again after an unknown fate does no harm. */
  readonly collapses: boolean
}

export type Policies = Readonly<Record<Channel, ChannelPolicy>>

export const defaultPolicies: Policies = {
  push: {
    deadlineMs: 10_000,
    backoffBaseMs: 1_000,
    backoffCapMs: 600_000,
    receiptTimeoutMs: 0,
    collapses: true,
  },
  sms: {
    deadlineMs: 15_000,
    backoffBaseMs: 5_000,
    backoffCapMs: 600_000,
    // A carrier may take this long; Twilio itself gives up after ten hours.
    receiptTimeoutMs: 36_000_000,
    collapses: false,
  },
  email: {
    deadlineMs: 15_000,
    backoffBaseMs: 30_000,
    backoffCapMs: 3_600_000,
    // SendGrid defers for up to 72 hours before it reports a bounce.
    receiptTimeoutMs: 259_200_000,
    collapses: false,
  },
}

/** An open attempt is declared lost this long after its deadline. */
export const resolveGraceMs = 15_000
/** What is still open this long after it became sendable, or was redriven, needs a person. */
export const parkAfterMs = 72 * 3_600_000
/** Times a delivery is sent again after an unknown fate where a repetition would be seen twice. */
export const ambiguousResendsMax = 2
/**
 * What is sent again only with harm waits this much longer after an unknown fate: providers tell of their progress
 * within seconds, and a receipt that says they have it settles the question. A minute for SMS, six for e-mail.
 */
export const receiptPatienceMs = ({ backoffBaseMs }: ChannelPolicy): number => 12 * backoffBaseMs

/** While credentials are refused, the message is tried again this often at most. */
export const configRetryMs = 60_000

/** What the provider asked us to wait; bounded, for by then the message is parked anyway. */
export const askedDelayMs = (afterMs = 0): number =>
  afterMs > 0 ? Math.min(afterMs, parkAfterMs) : 0

/**
 * Exponential backoff with full jitter. `tries` counts the failures so far, from 1; `fraction` is random
 * in [0, 1). Never earlier than the provider asked for, and spread after that moment: those who were told
 * the same time must not come back together.
 */
export const retryDelayMs = (
  policy: ChannelPolicy,
  tries: number,
  fraction: number,
  afterMs?: number,
): number => {
  const ceiling = Math.min(policy.backoffCapMs, policy.backoffBaseMs * 2 ** Math.min(tries - 1, 30))
  // A tenth of the ceiling at least: an immediate retry meets the same trouble.
  const delayMs = ceiling * (0.1 + 0.9 * fraction)
  const askedMs = askedDelayMs(afterMs)
  const spreadMs = Math.min(policy.backoffBaseMs, delayMs) * fraction
  return Math.round(Math.max(delayMs, askedMs > 0 ? askedMs + spreadMs : 0))
}
