import type { RecordedEvent } from '#ports/event-store.ts'
import { createLru } from './lru.ts'

/**
 * What this process wrote or read a short while ago. True only because no other process writes: a
 * read-only store has none of it.
 */
export interface RecentStreams {
  /** Revision of the last event; -1: there is known to be no such stream. */
  head(stream: string): number | undefined
  setHead(stream: string, revision: number): void
  /** Events of a revision above `after`, when the whole stream is known. */
  read(stream: string, after: number): readonly RecordedEvent[] | undefined
  /** Remembers a whole stream, from its first event; `bytes` of text. */
  remember(stream: string, events: readonly RecordedEvent[], bytes: number): void
  /** Adds to a stream that is remembered, or that begins with these events. */
  extend(stream: string, events: readonly RecordedEvent[], bytes: number): void
  clear(): void
}

export const recentStreamBounds = { headsMax: 30_000, streamsMax: 4_000, eventsMax: 10_000 }

/** Longer streams are read from the file; to extend one of these would copy it each time. */
const streamEventsMax = 256
/** A larger event counts as several. */
const eventBytes = 1_000

export const createRecentStreams = (bounds = recentStreamBounds): RecentStreams => {
  const heads = createLru<string, number>({
    entriesMax: bounds.headsMax,
    weightMax: Number.POSITIVE_INFINITY,
  })
  const streams = createLru<
    string,
    { readonly events: readonly RecordedEvent[]; readonly bytes: number }
  >({ entriesMax: bounds.streamsMax, weightMax: bounds.eventsMax })

  const remember: RecentStreams['remember'] = (stream, events, bytes) => {
    if (events.length > streamEventsMax) streams.delete(stream)
    else streams.set(stream, { events, bytes }, Math.max(events.length, bytes / eventBytes))
  }

  return {
    head: (stream) => heads.get(stream),
    setHead: (stream, revision) => heads.set(stream, revision, 1),
    read(stream, after) {
      const events = streams.get(stream)?.events
      return after < 0 ? events : events?.slice(after + 1)
    },
    remember,
    extend(stream, events, bytes) {
      if (events[0]?.revision === 0 && streams.get(stream) === undefined)
        return remember(stream, events, bytes)
      const known = streams.get(stream)
      // Read from the file a moment ago, it may hold these events already.
      if (known === undefined || known.events.length !== events[0]?.revision) return
      remember(stream, known.events.concat(events), known.bytes + bytes)
    },
    clear() {
      heads.clear()
      streams.clear()
    },
  }
}
