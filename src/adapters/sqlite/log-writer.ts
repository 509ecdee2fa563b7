import type { DatabaseSync } from 'node:sqlite'
import { VersionConflict } from '#ports/errors.ts'
import type { Appended, Expected, RecordedEvent } from '#ports/event-store.ts'
import {
  bytesOf,
  insertEventSql,
  type PreparedEvent,
  parametersOf,
  recordedOf,
} from './event-rows.ts'
import type { RecentEvents } from './recent-events.ts'
import type { Head, RecentStreams } from './recent-streams.ts'

export interface PreparedAppend {
  readonly stream: string
  readonly events: readonly PreparedEvent[]
  readonly expected: Expected
}

/** Writes appends inside a transaction that its caller opens and closes. */
export interface LogWriter {
  begin(): void
  /** Throws `VersionConflict` before it has changed anything. */
  append(append: PreparedAppend): Appended
  /** After the commit: what was written may be seen. */
  committed(): void
  /** After a rollback: nothing was. */
  rolledBack(): void
  /** Position of the newest event, 0 for an empty log. */
  position(): number
}

const revisionOf = (expected: Expected): number => (expected === 'no-stream' ? -1 : expected)

const prepareStatements = (database: DatabaseSync) => {
  const sequence = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
  const dataVersion = database.prepare('PRAGMA data_version')
  const statements = {
    dataVersion,
    sequence,
    insertStream: database.prepare('INSERT OR IGNORE INTO streams (name) VALUES (?)'),
    findStream: database.prepare('SELECT sid FROM streams WHERE name = ?'),
    lastRevision: database.prepare('SELECT max(rev) FROM events WHERE sid = ?'),
    recorded: database.prepare('SELECT pos FROM events WHERE sid = ? AND rev = ? AND id = ?'),
    insertEvent: database.prepare(insertEventSql),
  }
  for (const statement of Object.values(statements)) statement.setReturnArrays(true)
  return statements
}

const firstNumber = (row: unknown): number | undefined => {
  const value: unknown = Array.isArray(row) ? row[0] : undefined
  return typeof value === 'number' ? value : undefined
}

export const createLogWriter = (
  database: DatabaseSync,
  recent: { readonly streams: RecentStreams; readonly events: RecentEvents },
): LogWriter => {
  const statements = prepareStatements(database)
  const readPosition = (): number => firstNumber(statements.sequence.get()) ?? 0
  const readDataVersion = (): number => firstNumber(statements.dataVersion.get()) ?? 0
  let position = readPosition()
  let dataVersion = readDataVersion()
  // Of the open transaction: remembered elsewhere only after its commit.
  const heads = new Map<string, Head>()
  let written: { readonly append: PreparedAppend; readonly events: RecordedEvent[] }[] = []
  let next = position

  const find = (stream: string): Head => {
    const sid = firstNumber(statements.findStream.get(stream))
    const revision = sid === undefined ? undefined : firstNumber(statements.lastRevision.get(sid))
    const head = { sid: sid ?? 0, revision: revision ?? -1 }
    // Not of the open transaction, whose heads are looked up first: it stays true after a rollback.
    recent.streams.setHead(stream, head)
    return head
  }

  /** With its row: made first where none is expected, which saves looking for it. */
  const openStream = ({ stream, expected }: PreparedAppend): Head => {
    const known = heads.get(stream) ?? recent.streams.head(stream)
    if (known !== undefined && known.sid !== 0) return known
    if (expected !== 'no-stream') return known ?? find(stream)
    const made = statements.insertStream.run(stream)
    return made.changes === 0 ? find(stream) : { sid: Number(made.lastInsertRowid), revision: -1 }
  }

  /** The result of the first call when this one repeats it: the same ids at exactly its revisions. */
  const repeated = ({ events, expected }: PreparedAppend, head: Head): Appended | undefined => {
    const first = revisionOf(expected) + 1
    const last = first + events.length - 1
    if (last > head.revision) return undefined
    let at: number | undefined
    for (const [index, { event }] of events.entries()) {
      at = firstNumber(statements.recorded.get(head.sid, first + index, bytesOf(event.id)))
      if (at === undefined) return undefined
    }
    return { revision: last, position: String(at) }
  }

  return {
    begin() {
      next = position
      const current = readDataVersion()
      if (current === dataVersion) return
      // Another process wrote, though the directory is locked: nothing remembered can be trusted.
      recent.streams.clear()
      recent.events.clear()
      next = position = readPosition()
      dataVersion = current
    },

    append(append) {
      const { stream, events, expected } = append
      const head = openStream(append)
      if (head.revision !== revisionOf(expected)) {
        const first = repeated(append, head)
        if (first === undefined) throw new VersionConflict(stream)
        return first
      }
      let { revision } = head
      const recorded: RecordedEvent[] = []
      for (const event of events) {
        statements.insertEvent.run(...parametersOf(event, head.sid, ++revision, ++next))
        recorded.push(recordedOf(event, stream, revision, next))
      }
      heads.set(stream, { sid: head.sid, revision })
      written.push({ append, events: recorded })
      return { revision, position: String(next) }
    },

    committed() {
      for (const { append, events } of written) {
        let bytes = 0
        for (const [index, event] of events.entries()) {
          const size = append.events[index]?.bytes ?? 0
          recent.events.add(event, ++position, size)
          bytes += size
        }
        recent.streams.extend(append.stream, events, bytes)
      }
      for (const [stream, head] of heads) recent.streams.setHead(stream, head)
      heads.clear()
      written = []
    },

    rolledBack() {
      heads.clear()
      written = []
    },

    position: () => position,
  }
}
