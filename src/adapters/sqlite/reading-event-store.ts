import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn, setTimeout as timer } from 'node:timers/promises'
import type { Clock } from '#ports/clock.ts'
import { Unavailable } from '#ports/errors.ts'
import type { DisposableEventStore, LogPage } from '#ports/event-store.ts'
import { follow } from './follow.ts'
import {
  comparePositions,
  pageDefault,
  pageOf,
  parsePosition,
  refusePageLimit,
} from './log-pages.ts'
import { createLogReader } from './log-reader.ts'
import { asPortError, closed } from './sqlite-errors.ts'

const pollMs = 200

interface Reading {
  readonly database: DatabaseSync
  readonly logId: string
  readonly clock: Clock | undefined
  readonly close: () => void
}

/** The store of a process beside the one that writes: remembers nothing, and asks again for what is new. */
export const createReadingEventStore = (reading: Reading): DisposableEventStore => {
  const { database, logId, clock, close } = reading
  const reader = createLogReader(database)
  let isClosed = false

  const fromFile = <T>(read: () => T): T => {
    if (isClosed) throw closed()
    try {
      return read()
    } catch (error) {
      throw asPortError(error)
    }
  }

  const readPage = async (after: string | undefined, limit: number): Promise<LogPage> => {
    const from = parsePosition(after)
    await nextTurn()
    return fromFile(() => {
      // Asked first: what is written in between makes the page too modest, never wrong.
      const head = reader.position()
      return pageOf(reader.page(from, limit), from, head)
    })
  }

  const pause = (signal: AbortSignal): Promise<void> => {
    if (clock !== undefined) return clock.sleep(pollMs, signal)
    return timer(pollMs, undefined, { ref: false, signal }).catch(() => undefined)
  }

  return {
    logId,
    append: async () => {
      throw new Unavailable('store/read-only', 'This process has opened the log for reading only.')
    },
    read: async (stream, { after = -1 } = {}) =>
      fromFile(() => reader.stream(stream, after).events),
    readAll: async ({ after, limit }) => {
      refusePageLimit(limit)
      return readPage(after, limit)
    },
    subscribe: ({ after, limit = pageDefault, signal }) => {
      refusePageLimit(limit)
      return follow({
        after,
        signal,
        turn: () => 0,
        readPage: (from) => readPage(from, limit),
        wait: () => pause(signal),
      })
    },
    head: async () => {
      const position = fromFile(() => reader.position())
      return position === 0 ? undefined : String(position)
    },
    comparePositions,
    [Symbol.asyncDispose]: async () => {
      if (isClosed) return
      isClosed = true
      close()
    },
  }
}
