import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { refuseAppend } from '#ports/append-rules.ts'
import type { DisposableEventStore, LogPage, RecordedEvent } from '#ports/event-store.ts'
import { createAppendGroup, type NewlyWritten } from './append-group.ts'
import { prepareEvent, recordedOf } from './event-rows.ts'
import { createWakeUp, follow } from './follow.ts'
import type { Committed, OpenedLog } from './log-committer.ts'
import {
  comparePositions,
  pageDefault,
  pageOf,
  parsePosition,
  refusePageLimit,
} from './log-pages.ts'
import { createLogReader } from './log-reader.ts'
import type { AppendRows } from './log-writer.ts'
import { createRecentEvents } from './recent-events.ts'
import { createRecentStreams } from './recent-streams.ts'
import { asPortError, closed } from './sqlite-errors.ts'

const recentEventBounds = { entriesMax: 8_192, bytesMax: 16_000_000 }

/** What another thread has written, and not told yet, is not there yet: nobody would be woken for it. */
const upTo = (position: number, events: readonly RecordedEvent[]): readonly RecordedEvent[] =>
  Number(events.at(-1)?.position ?? 0) <= position
    ? events
    : events.filter((event) => Number(event.position) <= position)

/** What the store stands on: a committer here or in another thread, and a connection to read by. */
export interface WrittenLog extends OpenedLog {
  readonly reading: DatabaseSync
  readonly commit: (group: readonly AppendRows[]) => Committed | Promise<Committed>
  /** Groups on their way to the committer at a time. */
  readonly lanes: number
  readonly close: () => Promise<void>
}

/** The store of the one process that writes; what it wrote a short while ago it does not read again. */
export const createWritingEventStore = (log: WrittenLog): DisposableEventStore => {
  const streams = createRecentStreams()
  const events = createRecentEvents(recentEventBounds)
  const reader = createLogReader(log.reading)
  const wakeUp = createWakeUp()
  let { position } = log
  let isClosed = false

  const remember = ({ append, written }: NewlyWritten): void => {
    const { stream } = append
    const first = append.events.length - 1
    const recorded = append.events.map((event, at) =>
      recordedOf(event, stream, written.revision - first + at, written.position - first + at),
    )
    let bytes = 0
    for (const [at, event] of recorded.entries()) {
      const size = append.events[at]?.bytes ?? 0
      events.add(event, written.position - first + at, size)
      bytes += size
    }
    streams.extend(stream, recorded, bytes)
    streams.setHead(stream, Math.max(written.revision, streams.head(stream) ?? -1))
  }

  const onCommit = (news: readonly NewlyWritten[], newest: number): void => {
    const ours = news.reduce((count, { append }) => count + append.events.length, 0)
    if (position + ours !== newest) {
      // Somebody else wrote, though the directory is locked: nothing remembered can be trusted.
      streams.clear()
      events.clear()
    }
    for (const one of news) remember(one)
    position = newest
    wakeUp.wake()
  }

  const group = createAppendGroup({ commit: log.commit, lanes: log.lanes, onCommit })

  const fromFile = <T>(read: () => T): T => {
    if (isClosed) throw closed()
    try {
      return read()
    } catch (error) {
      throw asPortError(error)
    }
  }

  const readStream = (stream: string, after: number): readonly RecordedEvent[] => {
    const head = streams.head(stream)
    if (head !== undefined && after >= head) return []
    const known = streams.read(stream, after)
    if (known !== undefined) return known
    const found = reader.stream(stream, after)
    streams.setHead(stream, found.revision)
    if (after < 0 && found.sid !== 0) streams.remember(stream, found.events, found.bytes)
    return found.events
  }

  const readPage = async (after: string | undefined, limit: number): Promise<LogPage> => {
    const from = parsePosition(after)
    const known = events.after(from, limit)
    if (known !== undefined) return pageOf(known, from, position)
    // Pages from the file take milliseconds each: whoever reads many must not hold up all others.
    await nextTurn()
    return fromFile(() => pageOf(upTo(position, reader.page(from, limit)), from, position))
  }

  return {
    logId: log.logId,
    append: async (stream, appended, { expected }) => {
      refuseAppend(stream, appended, expected)
      return group.add({ stream, events: appended.map(prepareEvent), expected })
    },
    read: async (stream, { after = -1 } = {}) => fromFile(() => readStream(stream, after)),
    readAll: async ({ after, limit }) => {
      refusePageLimit(limit)
      return readPage(after, limit)
    },
    subscribe: ({ after, limit = pageDefault, signal }) => {
      refusePageLimit(limit)
      return follow({
        after,
        signal,
        turn: wakeUp.turn,
        readPage: (from) => readPage(from, limit),
        wait: (turn) => wakeUp.wait(turn, signal),
      })
    },
    head: async () => (position === 0 ? undefined : String(position)),
    comparePositions,
    [Symbol.asyncDispose]: async () => {
      if (isClosed) return
      await group.close()
      isClosed = true
      wakeUp.wake()
      await log.close()
    },
  }
}
