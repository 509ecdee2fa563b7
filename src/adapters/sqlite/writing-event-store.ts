import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { refuseAppend } from '#ports/append-rules.ts'
import type { DisposableEventStore, LogPage, RecordedEvent } from '#ports/event-store.ts'
import { createAppendGroup } from './append-group.ts'
import { prepareEvent } from './event-rows.ts'
import { createWakeUp, follow } from './follow.ts'
import {
  comparePositions,
  pageDefault,
  pageOf,
  parsePosition,
  refusePageLimit,
} from './log-pages.ts'
import { createLogReader } from './log-reader.ts'
import { createLogWriter } from './log-writer.ts'
import { createRecentEvents } from './recent-events.ts'
import { createRecentStreams } from './recent-streams.ts'
import { asPortError, closed } from './sqlite-errors.ts'

const recentEventBounds = { entriesMax: 8_192, bytesMax: 16_000_000 }

/** The store of the one process that writes; what it wrote a short while ago it does not read again. */
export const createWritingEventStore = (
  database: DatabaseSync,
  logId: string,
  close: () => void,
): DisposableEventStore => {
  const streams = createRecentStreams()
  const events = createRecentEvents(recentEventBounds)
  const reader = createLogReader(database)
  const writer = createLogWriter(database, { streams, events })
  const wakeUp = createWakeUp()
  const group = createAppendGroup(database, writer, wakeUp.wake)
  let isClosed = false

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
    if (head !== undefined && after >= head.revision) return []
    const known = streams.read(stream, after)
    if (known !== undefined) return known
    const found = reader.stream(stream, after)
    streams.setHead(stream, { sid: found.sid, revision: found.revision })
    if (after < 0 && found.sid !== 0) streams.remember(stream, found.events, found.bytes)
    return found.events
  }

  const readPage = async (after: string | undefined, limit: number): Promise<LogPage> => {
    const from = parsePosition(after)
    const known = events.after(from, limit)
    if (known !== undefined) return pageOf(known, from, writer.position())
    // Pages from the file take milliseconds each: whoever reads many must not hold up all others.
    await nextTurn()
    return fromFile(() => pageOf(reader.page(from, limit), from, writer.position()))
  }

  return {
    logId,
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
    head: async () => {
      const position = writer.position()
      return position === 0 ? undefined : String(position)
    },
    comparePositions,
    [Symbol.asyncDispose]: async () => {
      if (isClosed) return
      group.close()
      isClosed = true
      wakeUp.wake()
      close()
    },
  }
}
