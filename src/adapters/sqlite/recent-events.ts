import type { RecordedEvent } from '#ports/event-store.ts'

/** The newest events of the log by position, as this process wrote them: who follows need not read the file. */
export interface RecentEvents {
  /** Positions have to be dense: the next one, or any after `clear`. */
  add(event: RecordedEvent, position: number, bytes: number): void
  /** Up to `limit` events after a position, or undefined when the ring does not reach back to it. */
  after(position: number, limit: number): readonly RecordedEvent[] | undefined
  clear(): void
}

export const createRecentEvents = (bounds: {
  entriesMax: number
  bytesMax: number
}): RecentEvents => {
  const ring: ({ event: RecordedEvent; bytes: number } | undefined)[] = []
  let first = 0
  let count = 0
  let total = 0

  const dropOldest = (): void => {
    const slot = first % bounds.entriesMax
    total -= ring[slot]?.bytes ?? 0
    ring[slot] = undefined
    first++
    count--
  }

  return {
    add(event, position, bytes) {
      if (count === 0) first = position
      while (count > 0 && (count === bounds.entriesMax || total + bytes > bounds.bytesMax))
        dropOldest()
      ring[position % bounds.entriesMax] = { event, bytes }
      count++
      total += bytes
    },
    after(position, limit) {
      const from = position + 1
      const end = first + count
      if (count === 0 || from < first || from > end) return undefined
      const events: RecordedEvent[] = []
      for (let at = from; at < end && events.length < limit; at++) {
        const entry = ring[at % bounds.entriesMax]
        if (entry !== undefined) events.push(entry.event)
      }
      return events
    },
    clear() {
      ring.length = 0
      count = 0
      total = 0
    },
  }
}
