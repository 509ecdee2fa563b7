import { existsSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import type { Clock } from '#ports/clock.ts'
import { StartRefused } from '#ports/errors.ts'
import type { DisposableEventStore } from '#ports/event-store.ts'
import { prepareLog } from './log-schema.ts'
import { closeDatabase, type Mode, openDatabase } from './open-database.ts'
import { createReadingEventStore } from './reading-event-store.ts'
import { asPortError } from './sqlite-errors.ts'
import { createWritingEventStore } from './writing-event-store.ts'

export interface SqliteEventStore extends DisposableEventStore {
  /** As SQLite says it of itself: 2 is FULL, a commit survives a power cut. */
  readonly synchronous: number
  /** Copies the log, as it is now, to a new file while it is written. Refuses a path that exists. */
  backup(path: string): Promise<void>
}

export interface SqliteEventStoreOptions {
  readonly path: string
  /** `write`: the only one to write this file. `read-only` may be opened beside it. */
  readonly mode: Mode
  /** Paces a read-only subscription (200 ms); without it timers that keep no process alive do. */
  readonly clock?: Clock
  readonly onWarn?: (message: string) => void
}

const backupPagesPerStep = 1_000

const copyTo = async (from: string, to: string): Promise<void> => {
  if (existsSync(to)) throw new RangeError(`${to} exists: name a new file for the backup.`)
  // A connection of its own, as the steps run in another thread; and in a transaction, as each commit of
  // the writer would make the copy begin again.
  const source = new DatabaseSync(from, { readOnly: true })
  try {
    source.exec('BEGIN')
    source.prepare('SELECT count(*) FROM meta').get()
    await backup(source, to, { rate: backupPagesPerStep })
  } catch (error) {
    throw asPortError(error)
  } finally {
    source.close()
  }
}

/**
 * The embedded log: one file, WAL, an fsync per commit, one commit for all appends of a turn of the event
 * loop. Throws `StartRefused` (`store/…`) when the file cannot be used.
 */
export const openSqliteEventStore = async (
  options: SqliteEventStoreOptions,
): Promise<SqliteEventStore> => {
  const { path, mode, clock, onWarn } = options
  const database = openDatabase(path, mode, 'FULL')
  const close = (): void => closeDatabase(database, mode, onWarn)
  try {
    const logId = prepareLog(database, path, mode)
    const synchronous = Number(database.prepare('PRAGMA synchronous').get()?.synchronous)
    const store =
      mode === 'write'
        ? createWritingEventStore(database, logId, close)
        : createReadingEventStore({ database, logId, clock, close })
    return { ...store, synchronous, backup: (to) => copyTo(path, to) }
  } catch (error) {
    database.close()
    const reason = asPortError(error)
    if (reason === error) throw error
    throw new StartRefused('store/unreadable', `${path} cannot be read: ${error}`, { cause: error })
  }
}
