import type { DatabaseSync } from 'node:sqlite'
import { StartRefused, Unavailable, VersionConflict } from '#ports/errors.ts'
import { prepareLog } from './log-schema.ts'
import { type AppendRows, createLogWriter, type LogWriter, type Written } from './log-writer.ts'
import { closeDatabase, inTransaction, openDatabase } from './open-database.ts'
import { asPortError } from './sqlite-errors.ts'

/** What became of one append. */
export type Answer = Written | { readonly conflict: true } | { readonly failure: unknown }

export interface Committed {
  readonly answers: readonly Answer[]
  /** Of the newest event of the log, after this. */
  readonly position: number
}

export interface OpenedLog {
  readonly logId: string
  /** As SQLite says it of itself: 2 is FULL, a commit survives a power cut. */
  readonly synchronous: number
  /** Of the newest event, 0 for an empty log. */
  readonly position: number
}

/** The one connection that writes the log. Every call blocks its thread. */
export interface LogCommitter {
  /** One transaction for all. Throws `Unavailable` when the disk does not take it: then nothing was written. */
  commit(group: readonly AppendRows[]): Committed
  /** What there is to be warned of. */
  close(): readonly string[]
}

export const createCommit = (
  database: DatabaseSync,
  writer: LogWriter,
): ((group: readonly AppendRows[]) => Committed) => {
  const answerOf = (append: AppendRows): Answer => {
    try {
      return writer.append(append)
    } catch (error) {
      if (error instanceof VersionConflict) return { conflict: true }
      throw error
    }
  }

  const together = (group: readonly AppendRows[]): readonly Answer[] => {
    try {
      const answers = inTransaction(database, () => {
        writer.begin()
        return group.map(answerOf)
      })
      writer.committed()
      return answers
    } catch (error) {
      writer.rolledBack()
      throw asPortError(error)
    }
  }

  const answersOf = (group: readonly AppendRows[]): readonly Answer[] => {
    try {
      return together(group)
    } catch (error) {
      if (error instanceof Unavailable) throw error
      // A bug in one append must not become the fate of its neighbours.
      if (group.length > 1) return group.flatMap((alone) => answersOf([alone]))
      return [{ failure: error }]
    }
  }

  return (group) => {
    const answers = answersOf(group)
    return { answers, position: writer.position() }
  }
}

/** Throws `StartRefused` (`store/…`) when the file cannot be used. */
export const openLogCommitter = (
  path: string,
): LogCommitter & OpenedLog & { readonly database: DatabaseSync } => {
  const database = openDatabase(path, 'write', 'FULL')
  try {
    const logId = prepareLog(database, path, 'write')
    const synchronous = Number(database.prepare('PRAGMA synchronous').get()?.synchronous)
    const writer = createLogWriter(database)
    return {
      ...{ database, logId, synchronous, position: writer.position() },
      commit: createCommit(database, writer),
      close() {
        const warnings: string[] = []
        closeDatabase(database, 'write', (message) => warnings.push(message))
        return warnings
      },
    }
  } catch (error) {
    database.close()
    throw unreadable(path, error)
  }
}

/** What the file itself is to blame for becomes `StartRefused`; the rest stays what it is. */
export const unreadable = (path: string, error: unknown): unknown =>
  asPortError(error) === error
    ? error
    : new StartRefused('store/unreadable', `${path} cannot be read: ${error}`, { cause: error })
