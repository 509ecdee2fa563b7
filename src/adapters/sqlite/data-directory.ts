import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StartRefused } from '#ports/errors.ts'
import { resultCodeOf } from './sqlite-errors.ts'

/** For people and for the message below; the lock itself is one of the operating system. */
const pidFile = 'pabal.pid'

const notWritable = (directory: string, cause: unknown): StartRefused =>
  new StartRefused(
    'data-dir/not-writable',
    `The data directory ${directory} cannot be written (${cause instanceof Error ? cause.message : cause}). ` +
      'Give it to this user, free space on its disk, or name another one in PABAL_DATA_DIR.',
    { cause },
  )

/** Of the process that holds the directory, as it said; `unknown` when it did not. */
export const pidIn = (directory: string): string => {
  try {
    return readFileSync(join(directory, pidFile), 'utf8').trim()
  } catch {
    return 'unknown'
  }
}

/** Such as /tmp, which is for everybody: whoever names it as the data directory must not close it to them. */
const sticky = 0o1000

/**
 * A directory that was made beforehand, or a file made under the usual umask. Another user's cannot be closed, and some
 * file systems know no modes: that keeps nobody from starting, and the doctor warns of it.
 */
const closeToOthers = (path: string): void => {
  const { uid, mode } = statSync(path)
  if (uid !== process.getuid?.() || (mode & 0o077) === 0 || (mode & sticky) !== 0) return
  try {
    chmodSync(path, mode & 0o7700)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EPERM' && code !== 'ENOTSUP') throw error
  }
}

const lock = (directory: string): DatabaseSync => {
  const path = join(directory, 'pabal.lock')
  // Only SQLite may open this file: to close it in any other way would release the lock (fcntl).
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
    closeToOthers(path)
    return database
  } catch (error) {
    database.close()
    if (resultCodeOf(error) !== 5) throw error
    throw new StartRefused(
      'data-dir/locked',
      `The data directory ${directory} is in use by the process with pid ${pidIn(directory)}. ` +
        'Stop that one first, or name another directory in PABAL_DATA_DIR.',
      { cause: error },
    )
  }
}

/** A reader sees either the old text or the new one. */
const writePid = (directory: string): void => {
  const fresh = join(directory, `${pidFile}.${process.pid}`)
  writeFileSync(fresh, `${process.pid}\n`, { mode: 0o600 })
  renameSync(fresh, join(directory, pidFile))
}

/**
 * Makes the data directory, closes it to other users (0700) and takes it for this process. Throws `StartRefused` when another
 * process has it (`data-dir/locked`) or it cannot be written (`data-dir/not-writable`).
 *
 * The lock is a transaction that stays open on the empty database `pabal.lock`: the system releases it
 * when the process ends, however it ends, so nothing stale is ever left, two starts cannot both believe
 * to be first, and a pid that was used again or that belongs to another container misleads nobody.
 */
export const lockDataDirectory = async (directory: string): Promise<AsyncDisposable> => {
  let held: DatabaseSync | undefined
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    closeToOthers(directory)
    held = lock(directory)
    writePid(directory)
  } catch (error) {
    held?.close()
    throw error instanceof StartRefused ? error : notWritable(directory, error)
  }
  const database = held
  return {
    [Symbol.asyncDispose]: async () => {
      if (!database.isOpen) return
      rmSync(join(directory, pidFile), { force: true })
      database.close()
    },
  }
}
