import { existsSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import type { Clock } from '#ports/clock.ts'
import type { DisposableEventStore } from '#ports/event-store.ts'
import { openLogCommitter, unreadable } from './log-committer.ts'
import { prepareLog } from './log-schema.ts'
import { openLogThread } from './log-thread.ts'
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
  /** Writes in a thread of its own, so that the event loop does not wait for the disk. */
  readonly thread?: boolean
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

const openReading = (options: SqliteEventStoreOptions): SqliteEventStore => {
  const { path, clock } = options
  const database = openDatabase(path, 'read-only', 'FULL')
  try {
    const logId = prepareLog(database, path, 'read-only')
    const synchronous = Number(database.prepare('PRAGMA synchronous').get()?.synchronous)
    const close = (): void => closeDatabase(database, 'read-only')
    const store = createReadingEventStore({ database, logId, clock, close })
    return { ...store, synchronous, backup: (to) => copyTo(path, to) }
  } catch (error) {
    database.close()
    throw unreadable(path, error)
  }
}

/** Groups on their way to a thread: one is written while the next one crosses. */
const threadLanes = 2

const openThread = async (path: string, warn: (warnings: readonly string[]) => void) => {
  const log = await openLogThread(path)
  const reading = openDatabase(path, 'read-only', 'FULL')
  const close = async (): Promise<void> => {
    reading.close()
    warn(await log.close())
  }
  return { ...log, reading, lanes: threadLanes, close }
}

const openHere = (path: string, warn: (warnings: readonly string[]) => void) => {
  const log = openLogCommitter(path)
  const close = async (): Promise<void> => warn(log.close())
  return { ...log, reading: log.database, lanes: 1, close }
}

/**
 * The embedded log: one file, WAL, an fsync per commit, one commit for all appends that came meanwhile.
 * Throws `StartRefused` (`store/…`) when the file cannot be used.
 */
export const openSqliteEventStore = async (
  options: SqliteEventStoreOptions,
): Promise<SqliteEventStore> => {
  const { path, mode, thread = false, onWarn } = options
  if (mode === 'read-only') return openReading(options)
  const warn = (warnings: readonly string[]): void => {
    for (const each of warnings) onWarn?.(each)
  }
  const log = thread ? await openThread(path, warn) : openHere(path, warn)
  const { synchronous } = log
  return { ...createWritingEventStore(log), synchronous, backup: (to) => copyTo(path, to) }
}
