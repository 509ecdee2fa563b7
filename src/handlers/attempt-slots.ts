import type { Clock } from '#ports/clock.ts'

/** One piece of work that may make attempts. */
export interface AttemptSlot {
  /** How long the log took to write a fence, in milliseconds. */
  fenced(ms: number): void
  leave(): void
}

export interface AttemptSlots {
  /** Resolves when there is a slot, or when `signal` fires. */
  enter(signal: AbortSignal): Promise<AttemptSlot>
  /** How many there are now. */
  readonly limit: number
}

/**
 * A fence that took longer leaves too little of its two seconds: the attempt would be withheld, recorded as
 * such and made again, and so a slow log would be given ever more to write.
 */
const slowMs = 500
const limitMin = 4

/**
 * As many attempts at a time as the log keeps up with: half as many when a fence came late, one more for
 * each round of fences that came in time.
 */
export const createAttemptSlots = (needs: {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly limitMax: number
}): AttemptSlots => {
  const { clock, limitMax } = needs
  const waiting = new Set<() => void>()
  let limit = limitMax
  let taken = 0
  let lessenedAtMs = Number.NEGATIVE_INFINITY

  const admit = (): void => {
    for (const resume of waiting) {
      if (taken >= Math.floor(limit)) return
      waiting.delete(resume)
      taken += 1
      resume()
    }
  }

  const learn = (ms: number, enteredAtMs: number): void => {
    if (ms < slowMs) limit = Math.min(limitMax, limit + 1 / limit)
    // Whoever came in before the last change says nothing of what it did.
    else if (enteredAtMs >= lessenedAtMs) {
      limit = Math.max(Math.min(limitMin, limitMax), limit / 2)
      lessenedAtMs = clock.monotonic()
    }
  }

  const slotOf = (enteredAtMs: number): AttemptSlot => {
    let left = false
    return {
      fenced: (ms) => learn(ms, enteredAtMs),
      leave() {
        if (left) return
        left = true
        taken -= 1
        admit()
      },
    }
  }

  return {
    async enter(signal) {
      if (taken < Math.floor(limit) || signal.aborted) {
        taken += 1
        return slotOf(clock.monotonic())
      }
      await new Promise<void>((resolve) => {
        const resume = (): void => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        }
        const onAbort = (): void => {
          if (!waiting.delete(resume)) return
          taken += 1
          resolve()
        }
        waiting.add(resume)
        signal.addEventListener('abort', onAbort, { once: true })
      })
      return slotOf(clock.monotonic())
    },
    get limit() {
      return Math.floor(limit)
    },
  }
}
