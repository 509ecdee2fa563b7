import type { Clock } from '#ports/clock.ts'

/** Lets through `ratePerSecond` on average, `burst` at once. On the monotonic clock. */
export interface TokenBucket {
  /** Takes `count` tokens if they are there; else answers how long until they will be. */
  take(
    count?: number,
  ): { readonly taken: true } | { readonly taken: false; readonly waitMs: number }
  setRate(ratePerSecond: number): void
}

const taken = { taken: true } as const

export const createTokenBucket = (options: {
  readonly clock: Clock
  readonly ratePerSecond: number
  /** Default: one second's worth, at least 1. */
  readonly burst?: number
}): TokenBucket => {
  const { clock } = options
  let rate = options.ratePerSecond
  let burst = options.burst ?? Math.max(1, rate)
  let tokens = burst
  let filledAt = clock.monotonic()

  return {
    take(count = 1) {
      const now = clock.monotonic()
      tokens = Math.min(burst, tokens + ((now - filledAt) / 1_000) * rate)
      filledAt = now
      if (tokens >= count) {
        tokens -= count
        return taken
      }
      return { taken: false, waitMs: Math.ceil(((count - tokens) / rate) * 1_000) }
    },
    setRate(ratePerSecond) {
      rate = ratePerSecond
      burst = options.burst ?? Math.max(1, rate)
      tokens = Math.min(tokens, burst)
    },
  }
}
