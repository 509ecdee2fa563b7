import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { RecordedEvent } from '#ports/event-store.ts'
import { type EventRow, eventOf, selectPageSql, selectStreamSql } from './event-rows.ts'

export interface StreamTail {
  /** 0: there is no such stream. */
  readonly sid: number
  /** Of its last event, -1 for an empty stream. */
  readonly revision: number
  readonly events: readonly RecordedEvent[]
  /** Of their text. */
  readonly bytes: number
}

export interface LogReader {
  /** Up to `limit` events after a position, fewer when they are large. */
  page(after: number, limit: number): readonly RecordedEvent[]
  stream(stream: string, after: number): StreamTail
  /** Position of the newest event, 0 for an empty log. */
  position(): number
}

/** Rows taken from SQLite at once, and text that ends a page early: memory stays flat with large events. */
const chunkRows = 250
const pageTextMax = 8_000_000

const rows = (statement: StatementSync, ...parameters: SQLInputValue[]): readonly EventRow[] =>
  statement.all(...parameters) as unknown as readonly EventRow[]

const textLength = (row: EventRow): number => row[12].length + (row[13]?.length ?? 0)

export const createLogReader = (database: DatabaseSync): LogReader => {
  const prepare = (sql: string): StatementSync => {
    const statement = database.prepare(sql)
    statement.setReturnArrays(true)
    return statement
  }
  const selectPage = prepare(selectPageSql)
  const selectStream = prepare(selectStreamSql)
  const findStream = prepare('SELECT sid FROM streams WHERE name = ?')
  const lastRevision = prepare('SELECT ifnull(max(rev), -1) FROM events WHERE sid = ?')
  const newest = prepare("SELECT seq FROM sqlite_sequence WHERE name = 'events'")

  const firstNumber = (statement: StatementSync, ...parameters: SQLInputValue[]): number => {
    const row = statement.get(...parameters) as unknown as readonly [number] | undefined
    return row?.[0] ?? 0
  }

  return {
    page(after, limit) {
      const events: RecordedEvent[] = []
      let last = after
      for (let length = 0; events.length < limit && length < pageTextMax; ) {
        const size = Math.min(chunkRows, limit - events.length)
        const chunk = rows(selectPage, last, size)
        for (const row of chunk) {
          events.push(eventOf(row))
          length += textLength(row)
          last = row[0]
        }
        if (chunk.length < size) break
      }
      return events
    },
    stream(stream, after) {
      const sid = firstNumber(findStream, stream)
      if (sid === 0) return { sid, revision: -1, events: [], bytes: 0 }
      const found = rows(selectStream, sid, after)
      const revision = found.at(-1)?.[2] ?? firstNumber(lastRevision, sid)
      const bytes = found.reduce((total, row) => total + textLength(row), 0)
      return { sid, revision, events: found.map(eventOf), bytes }
    },
    position: () => firstNumber(newest),
  }
}
