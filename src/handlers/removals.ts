import type { Clock } from '#ports/clock.ts'

/** More dead endpoints than this, and than a twentieth of all sends, within a minute: something else is wrong. */
const removalsMax = 20
const removalWindowMs = 60_000

/** Counts dead endpoints beside sends. */
export interface Removals {
  note(dead: boolean): void
  allowed(): boolean
}

export const createRemovals = (clock: Clock): Removals => {
  let since = clock.monotonic()
  let sends = 0
  let dead = 0
  return {
    note(isDead) {
      if (clock.monotonic() - since > removalWindowMs) {
        since = clock.monotonic()
        sends = 0
        dead = 0
      }
      sends += 1
      if (isDead) dead += 1
    },
    allowed: () => dead <= Math.max(removalsMax, sends / 20),
  }
}
