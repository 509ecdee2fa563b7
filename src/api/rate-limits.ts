import { createTokenBucket, type TokenBucket } from '#handlers/token-bucket.ts'
import type { Clock } from '#ports/clock.ts'
import { ApiProblem } from './problems.ts'

/** One bucket per key; the least recently used goes when there are too many, and is full when it comes back. */
const bucketsMax = 10_000

export interface RateLimits {
  readonly bucketOf: (keyId: string) => TokenBucket
  /** Throws when the key has used up its share. */
  readonly take: (keyId: string) => void
}

export const createRateLimits = (clock: Clock, ratePerSecond: number): RateLimits => {
  const buckets = new Map<string, TokenBucket>()

  const bucketOf = (keyId: string): TokenBucket => {
    const bucket = buckets.get(keyId) ?? createTokenBucket({ clock, ratePerSecond })
    buckets.delete(keyId)
    buckets.set(keyId, bucket)
    if (buckets.size > bucketsMax) buckets.delete(buckets.keys().next().value!)
    return bucket
  }

  return {
    bucketOf,
    take(keyId) {
      const token = bucketOf(keyId).take()
      if (token.taken) return
      const seconds = String(Math.max(1, Math.ceil(token.waitMs / 1_000)))
      const detail = `A key may make ${ratePerSecond} requests a second; wait ${seconds} s.`
      throw new ApiProblem('request/rate-limited', detail, {
        headers: {
          'retry-after': seconds,
          'ratelimit-policy': `"key";q=${ratePerSecond};w=1`,
          ratelimit: `"key";r=0;t=${seconds}`,
        },
      })
    },
  }
}
