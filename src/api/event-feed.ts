import type { EventStore, LogPage } from '#ports/event-store.ts'
import { invalid } from './check.ts'
import { eventView } from './event-view.ts'

export interface FeedQuery {
  readonly app: string
  readonly after?: string
  /** Absent: all types. */
  readonly types?: ReadonlySet<string>
  /** Events told at most. */
  readonly limit: number
  readonly personal: boolean
}

const pageMax = 1_000
/** Events looked at for one answer at most: an app with few events among many asks again. */
const scanMax = 200_000

/** A position beyond the head is of another log: to go on from there would be to miss what comes. */
const readFirst = async (events: EventStore, after: string | undefined): Promise<LogPage> => {
  if (after === undefined) return events.readAll({ limit: pageMax })
  try {
    const head = (await events.head()) ?? (await events.readAll({ limit: 1 })).checkpoint
    if (events.comparePositions(after, head) <= 0) {
      return await events.readAll({ after, limit: pageMax })
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  throw invalid('/after', 'This is no position of this log.')
}

/** Lines of an app's events; the last one says where to resume, and whether that was all. */
async function* tell(events: EventStore, first: LogPage, query: FeedQuery): AsyncGenerator<string> {
  const { app, types, limit, personal } = query
  const { logId } = events
  let page = first
  // Of an event of ours: what others wrote after the last of them lies beyond the head.
  let place = query.after
  let told = 0
  for (let scanned = page.events.length; ; scanned += page.events.length) {
    let lines = ''
    for (const event of page.events) {
      if (event.metadata.app !== app || (types && !types.has(event.type))) continue
      lines += `${JSON.stringify(eventView(event, personal))}\n`
      told += 1
      if (told < limit) continue
      yield `${lines}${JSON.stringify({ resumeAfter: event.position, atHead: false, logId })}\n`
      return
    }
    const { checkpoint, atHead } = page
    place = page.events.at(-1)?.position ?? place
    if (atHead || scanned >= scanMax) {
      const resumeAfter = place ?? checkpoint
      yield `${lines}${JSON.stringify({ resumeAfter, atHead, logId })}\n`
      return
    }
    if (lines !== '') yield lines
    page = await events.readAll({ after: checkpoint, limit: pageMax })
  }
}

/** Throws for a position that is none, before the first line. */
export const openFeed = async (
  events: EventStore,
  query: FeedQuery,
): Promise<AsyncGenerator<string>> => tell(events, await readFirst(events, query.after), query)
