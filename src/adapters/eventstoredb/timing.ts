import type { Clock } from '#ports/clock.ts'
import type { Random } from '#ports/random.ts'
import { NoAnswer } from './failures.ts'

/** Aborting without a reason makes an exception with its stack: too dear for every call. */
export const isSettled = 'settled'

/** All in milliseconds. */
export interface Timing {
  /** One try of an append, and a read without a sign of life. Above the 2 s that the server gives a commit. */
  readonly tryMs: number
  /** A call with all its tries, its waiting for a slot included. */
  readonly callMs: number
  /**
   * Before the first retry, doubled for each further one, each plus up to as much again. Not less: a retry
   * that comes before the first write is indexed gets no answer.
   */
  readonly retryMs: number
  readonly retryMaxMs: number
  /** A client is renewed at most this often. */
  readonly renewMs: number
  /** Between two tries to subscribe; doubled up to the maximum. */
  readonly resubscribeMs: number
  readonly resubscribeMaxMs: number
  /** A subscription that is quiet this long is compared with the head of the log. */
  readonly quietMs: number
  /** How long an event may take from the head of the log to a subscription. */
  readonly graceMs: number
  /** The end waits this long for appends on their way. */
  readonly closeMs: number
}

export const timingDefault: Timing = {
  tryMs: 3_000,
  callMs: 12_000,
  retryMs: 50,
  retryMaxMs: 1_000,
  renewMs: 5_000,
  resubscribeMs: 100,
  resubscribeMaxMs: 5_000,
  quietMs: 30_000,
  graceMs: 2_000,
  closeMs: 5_000,
}

/** Grows with the number of failures before, and is never the same for two. */
export const backoffMs = (
  firstMs: number,
  maxMs: number,
  failures: number,
  random: Random,
): number => Math.min(maxMs, firstMs * 2 ** Math.min(failures, 20)) * (1 + random.fraction())

/** Rejects with `NoAnswer` when `work` takes longer; what it does later is nobody's business. */
export const within = async <T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> => {
  const settled = new AbortController()
  const late = clock.sleep(ms, settled.signal).then(() => {
    // Made only when somebody hears it: an error takes its stack along.
    if (!settled.signal.aborted) throw new NoAnswer(ms)
    return work
  })
  try {
    return await Promise.race([work, late])
  } finally {
    settled.abort(isSettled)
  }
}
