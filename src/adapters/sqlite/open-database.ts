import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StartRefused } from '#ports/errors.ts'
import { resultCodeOf } from './sqlite-errors.ts'

export type Mode = 'write' | 'read-only'
export type Synchronous = 'FULL' | 'NORMAL'

/** Blocks the event loop while another process holds the file; only a foreign tool can. */
const busyTimeoutMs = 250
const cacheKilobytes = 16_384
/**
 * Pages of the write-ahead log before they are moved into the file. Documents are replaced several times within
 * seconds, and the same pages of their indexes all the time: moved later, they are moved once.
 */
const checkpointPages: Readonly<Record<Synchronous, number>> = { FULL: 1_000, NORMAL: 2_000 }

const refusal = (path: string, cause: unknown): StartRefused => {
  const code = resultCodeOf(cause)
  if (code === 11 || code === 26)
    return new StartRefused(
      'store/corrupt',
      `${path} is not a readable database. Move it away and restore a backup.`,
      { cause },
    )
  if (code === 5)
    return new StartRefused(
      'store/busy',
      `${path} is held by another process. Stop that process (fuser names it) and start again.`,
      { cause },
    )
  return new StartRefused(
    'store/not-writable',
    `${path} cannot be opened. ${dirname(path)} has to exist, belong to this user and have space left.`,
    { cause },
  )
}

const openForReading = (path: string): DatabaseSync => {
  if (!existsSync(path))
    throw new StartRefused(
      'store/missing',
      `There is no ${path}. Start the service once, or name its data directory in PABAL_DATA_DIR.`,
    )
  const database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs })
  // The first read shows whether the file can be read at all.
  database.prepare('SELECT count(*) FROM sqlite_schema').get()
  return database
}

const openForWriting = (path: string, synchronous: Synchronous): DatabaseSync => {
  // SQLite gives its -wal and -shm files the mode of this one. An existing file is not opened here: to
  // close it would release the locks that another connection of this process holds on it (fcntl).
  if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK)
  else closeSync(openSync(path, 'ax', 0o600))
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs })
  const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode
  if (mode !== 'wal')
    throw new StartRefused(
      'store/no-wal',
      `${path} lies on a file system without shared memory. Use a local disk.`,
    )
  database.exec(`PRAGMA synchronous = ${synchronous};
    PRAGMA wal_autocheckpoint = ${checkpointPages[synchronous]};
    PRAGMA cache_size = -${cacheKilobytes};
    PRAGMA temp_store = MEMORY;`)
  return database
}

/** Throws `StartRefused` for whatever is in the way. */
export const openDatabase = (path: string, mode: Mode, synchronous: Synchronous): DatabaseSync => {
  try {
    return mode === 'write' ? openForWriting(path, synchronous) : openForReading(path)
  } catch (error) {
    throw error instanceof StartRefused ? error : refusal(path, error)
  }
}

/** Leaves one file without a log beside it, unless a reader of another process is in the way. */
export const closeDatabase = (
  database: DatabaseSync,
  mode: Mode,
  onWarn?: (message: string) => void,
): void => {
  try {
    if (mode === 'write') database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch (error) {
    // The log beside the file is as good: the next start reads it.
    onWarn?.(`The write-ahead log stays beside its database: ${error}`)
  } finally {
    database.close()
  }
}

/** Runs `work` in one transaction; nothing of it stays when it throws. */
export const inTransaction = <T>(database: DatabaseSync, work: () => T): T => {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // SQLite ends the transaction by itself after some errors, a full disk among them.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
