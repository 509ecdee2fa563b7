import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { StartRefused } from '#ports/errors.ts'
import { inTransaction, type Mode } from './open-database.ts'

/** Grows with every change that an older Pabal could not read. */
export const logFormat = 1

/**
 * Streams are integers and `UNIQUE (sid, rev)` is the only index of the events: a text name per event or
 * an index over ids made the log a third as fast at three million events. The revision of a stream is
 * that of its last event, so there is nothing that could disagree. AUTOINCREMENT keeps positions from
 * being used twice after the newest events were removed.
 */
const schema = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE streams (sid INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE events (
    pos INTEGER PRIMARY KEY AUTOINCREMENT,
    sid INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    id BLOB NOT NULL,
    type TEXT NOT NULL,
    schema INTEGER NOT NULL,
    at INTEGER NOT NULL,
    app TEXT NOT NULL,
    actor TEXT NOT NULL,
    correlation TEXT NOT NULL,
    causation TEXT,
    trace TEXT,
    data TEXT NOT NULL,
    personal TEXT,
    UNIQUE (sid, rev)
  ) STRICT;`

const tables = (database: DatabaseSync): ReadonlySet<unknown> =>
  new Set(
    database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .all()
      .map((row) => row.name),
  )

const notALog = (path: string): StartRefused =>
  new StartRefused(
    'store/not-a-log',
    `${path} is not a log of Pabal. Name another data directory in PABAL_DATA_DIR.`,
  )

const create = (database: DatabaseSync): void => {
  inTransaction(database, () => {
    database.exec(schema)
    const put = database.prepare('INSERT INTO meta VALUES (?, ?)')
    put.run('logId', randomUUID())
    put.run('format', String(logFormat))
  })
}

/** Makes the tables of a new file, refuses the file of a newer Pabal; answers the id of the log. */
export const prepareLog = (database: DatabaseSync, path: string, mode: Mode): string => {
  const found = tables(database)
  if (found.size === 0 && mode === 'write') create(database)
  else if (!found.has('meta') || !found.has('events')) throw notALog(path)
  const get = database.prepare('SELECT value FROM meta WHERE key = ?')
  const logId = get.get('logId')?.value
  const format = Number(get.get('format')?.value)
  if (typeof logId !== 'string' || Number.isNaN(format)) throw notALog(path)
  if (format > logFormat)
    throw new StartRefused(
      'store/newer-version',
      `${path} was written by a newer Pabal (log format ${format}, this one reads up to ${logFormat}). ` +
        'Start that version, or restore a backup from before the upgrade.',
    )
  return logId
}
