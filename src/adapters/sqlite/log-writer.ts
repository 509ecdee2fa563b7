import type { DatabaseSync } from 'node:sqlite'
import { VersionConflict } from '#ports/errors.ts'
import type { Expected } from '#ports/event-store.ts'
import { bytesOf, type EventValues, insertEventSql, parametersOf } from './event-rows.ts'
import { createLru } from './lru.ts'

/** What is written of an append. */
export interface AppendRows {
  readonly stream: string
  readonly expected: Expected
  readonly rows: readonly EventValues[]
}

export interface Written {
  /** Of the last event. */
  readonly revision: number
  readonly position: number
  /** It was written by an earlier call already. */
  readonly repeated: boolean
}

/** Writes appends inside a transaction that its caller opens and closes. */
export interface LogWriter {
  begin(): void
  /** Throws `VersionConflict` before it has changed anything. */
  append(append: AppendRows): Written
  committed(): void
  /** After a rollback: nothing was written. */
  rolledBack(): void
  /** Position of the newest event, 0 for an empty log. */
  position(): number
}

/** Where a stream stands. `sid` 0 and revision -1: it is known not to exist. */
interface Head {
  readonly sid: number
  readonly revision: number
}

const headsMax = 30_000

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

export const createLogWriter = (database: DatabaseSync): LogWriter => {
  const statements = prepareStatements(database)
  const readPosition = (): number => firstNumber(statements.sequence.get()) ?? 0
  const readDataVersion = (): number => firstNumber(statements.dataVersion.get()) ?? 0
  const known = createLru<string, Head>({ entriesMax: headsMax, weightMax: headsMax })
  let position = readPosition()
  let dataVersion = readDataVersion()
  // Of the open transaction: remembered beyond it only after its commit.
  const heads = new Map<string, Head>()
  let next = position

  const find = (stream: string): Head => {
    const sid = firstNumber(statements.findStream.get(stream))
    const revision = sid === undefined ? undefined : firstNumber(statements.lastRevision.get(sid))
    const head = { sid: sid ?? 0, revision: revision ?? -1 }
    // Not of the open transaction, whose heads are looked up first: it stays true after a rollback.
    known.set(stream, head, 1)
    return head
  }

  /** With its row: made first where none is expected, which saves looking for it. */
  const openStream = ({ stream, expected }: AppendRows): Head => {
    const head = heads.get(stream) ?? known.get(stream)
    if (head !== undefined && head.sid !== 0) return head
    if (expected !== 'no-stream') return head ?? find(stream)
    const made = statements.insertStream.run(stream)
    return made.changes === 0 ? find(stream) : { sid: Number(made.lastInsertRowid), revision: -1 }
  }

  /** The result of the first call when this one repeats it: the same ids at exactly its revisions. */
  const repeated = ({ rows, expected }: AppendRows, head: Head): Written | undefined => {
    const first = revisionOf(expected) + 1
    const last = first + rows.length - 1
    if (last > head.revision) return undefined
    let at = 0
    for (const [index, [id]] of rows.entries()) {
      const found = firstNumber(statements.recorded.get(head.sid, first + index, bytesOf(id)))
      if (found === undefined) return undefined
      at = found
    }
    return { revision: last, position: at, repeated: true }
  }

  return {
    begin() {
      next = position
      const current = readDataVersion()
      if (current === dataVersion) return
      // Another process wrote, though the directory is locked: nothing remembered can be trusted.
      known.clear()
      next = position = readPosition()
      dataVersion = current
    },

    append(append) {
      const { stream, rows, expected } = append
      const head = openStream(append)
      if (head.revision !== revisionOf(expected)) {
        const first = repeated(append, head)
        if (first === undefined) throw new VersionConflict(stream)
        return first
      }
      let { revision } = head
      for (const values of rows)
        statements.insertEvent.run(...parametersOf(values, head.sid, ++revision, ++next))
      heads.set(stream, { sid: head.sid, revision })
      return { revision, position: next, repeated: false }
    },

    committed() {
      position = next
      for (const [stream, head] of heads) known.set(stream, head, 1)
      heads.clear()
    },

    rolledBack() {
      heads.clear()
    },

    position: () => position,
  }
}
