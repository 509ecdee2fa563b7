import { describe } from 'vitest'
import type { DisposableEventStore } from '#ports/event-store.ts'
import { appendingContract } from './event-store-appending.ts'
import { conflictContract } from './event-store-conflicts.ts'
import { followingContract } from './event-store-following.ts'
import { readingContract } from './event-store-reading.ts'

export type OpenEventStore = () => Promise<DisposableEventStore>

/** Where an adapter may differ; what is not stated holds for all. */
export interface EventStoreDifferences {
  /** A log just opened may hold events of others. Default: it is empty. */
  readonly shared?: boolean
  /** Calls that do not wait for one another may be taken in any order. Default: in the order they were made. */
  readonly unordered?: boolean
}

/** Whoever asks for the head of a log of others passes over all that came last: links of projections, for one. */
const sharedTimeoutMs = 60_000

/** What every event store does. `open` may give the same log each time. */
export const eventStoreContract = (
  adapter: string,
  open: OpenEventStore,
  differences: EventStoreDifferences = {},
): void => {
  describe(
    `event store: ${adapter}`,
    differences.shared ? { timeout: sharedTimeoutMs } : {},
    () => {
      appendingContract(open)
      conflictContract(open, differences)
      readingContract(open, differences)
      followingContract(open)
    },
  )
}
