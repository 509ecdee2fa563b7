import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'

/** More dead endpoints than this, and than a twentieth of all messages, within a minute: something else is wrong. */
const removalsMax = 20
const shareMax = 1 / 20
const windowMs = 60_000

/** Stops removals under a credential when so many of its endpoints fail at once that the fault is likely ours. */
export interface Removals {
  /** An attempt came to its end. */
  noteAttempt(credential: string, isDead: boolean): void
  /** A receipt told of an attempt, perhaps of one that another process made. */
  noteReceipt(credential: string, isDead: boolean): void
  /** An endpoint was called dead, and noted: may it be removed? */
  mayRemove(credential: string): boolean
}

interface Counts {
  readonly since: number
  attempts: number
  receipts: number
  dead: number
}

export const createRemovals = (needs: { readonly clock: Clock; readonly log: Log }): Removals => {
  const { clock, log } = needs
  const byCredential = new Map<string, Counts>()

  const countsOf = (credential: string): Counts => {
    const now = clock.monotonic()
    const known = byCredential.get(credential)
    if (known && now - known.since <= windowMs) return known
    const counts = { since: now, attempts: 0, receipts: 0, dead: 0 }
    byCredential.set(credential, counts)
    return counts
  }

  return {
    noteAttempt(credential, isDead) {
      const counts = countsOf(credential)
      counts.attempts += 1
      if (isDead) counts.dead += 1
    },
    noteReceipt(credential, isDead) {
      const counts = countsOf(credential)
      counts.receipts += 1
      if (isDead) counts.dead += 1
    },
    mayRemove(credential) {
      const { attempts, receipts, dead } = countsOf(credential)
      // Both tell of the same messages: added, they would make the dead ones look half as many.
      const messages = Math.max(attempts, receipts)
      if (dead <= Math.max(removalsMax, messages * shareMax)) return true
      log.error('So many endpoints are reported dead that none is removed any more.', {
        credential,
      })
      return false
    },
  }
}
