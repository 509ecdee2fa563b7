import type { LogPlace } from '#domain/recovery/recovery.ts'
import type { EventStore, LogPage, RecordedEvent } from '#ports/event-store.ts'
import type { Place } from './checkpoints.ts'

/** The end of a page, or the place before an event of it. `undefined`: where the page began. */
export const placeBefore = (
  { events }: LogPage,
  event: RecordedEvent | undefined,
  start: string | undefined,
): Place | undefined => {
  const index = (event === undefined ? events.length : events.indexOf(event)) - 1
  const last = events[index]
  if (last === undefined) return undefined
  const before = events[index - 1]?.position ?? start
  const at = Date.parse(last.metadata.at)
  const place = { position: last.position, eventId: last.id, at }
  return before === undefined ? place : { ...place, before }
}

/** The latest time of a page's events, milliseconds since the epoch. */
export const newestOf = ({ events }: Pick<LogPage, 'events'>): number => {
  // RFC 3339 in UTC with milliseconds is ordered as text.
  let newest = ''
  for (const { metadata } of events) if (metadata.at > newest) newest = metadata.at
  return Date.parse(newest)
}

/** Whether the log still goes on at this place as it did. */
export const isInLog = async (
  events: Pick<EventStore, 'readAll'>,
  { before, eventId }: LogPlace,
): Promise<boolean> => {
  for (let after = before; ; ) {
    const page = await events.readAll({ limit: 1, ...(after !== undefined && { after }) })
    // A log that others write to as well answers pages in which nothing is ours.
    if (page.events.length > 0 || page.atHead) return page.events[0]?.id === eventId
    after = page.checkpoint
  }
}
