import type { RecordedEvent } from './recorded.ts'

/**
 * Where other services hear what happens here. Never the record, and no place for anything personal:
 * whoever publishes has taken that out.
 */
export interface EventFeed {
  /**
   * Resolves once the feed has taken all of them. Publishing again what it has is harmless: its readers hear
   * at least once, and order by `revision` and tell repetitions apart by `id`. Throws `Unavailable`.
   */
  publish(events: readonly FeedEvent[]): Promise<void>
}

/** An event as others are told: what identifies people is not in it. */
export type FeedEvent = Omit<RecordedEvent, 'personal'>

export type DisposableEventFeed = EventFeed & AsyncDisposable
