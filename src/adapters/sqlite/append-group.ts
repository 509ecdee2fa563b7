import type { DatabaseSync } from 'node:sqlite'
import { Unavailable, VersionConflict } from '#ports/errors.ts'
import type { Appended } from '#ports/event-store.ts'
import type { LogWriter, PreparedAppend } from './log-writer.ts'
import { inTransaction } from './open-database.ts'
import { asPortError, closed } from './sqlite-errors.ts'

/** One fsync serves all appends that came in one turn of the event loop; more of them block it too long. */
const groupEventsMax = 500
const groupBytesMax = 4_000_000
/** Beyond it appends are refused at once: the disk is slower than what comes. */
const waitingMax = 20_000

interface Waiting {
  readonly append: PreparedAppend
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: unknown) => void
}

export interface AppendGroup {
  /** Resolves after the commit. */
  add(append: PreparedAppend): Promise<Appended>
  /** Writes what waits, then refuses. */
  close(): void
}

type Answer = { readonly appended: Appended } | { readonly conflict: VersionConflict }

const weigh = ({ events }: PreparedAppend): number =>
  events.reduce((bytes, event) => bytes + event.bytes, 0)

export const createAppendGroup = (
  database: DatabaseSync,
  writer: LogWriter,
  onCommit: () => void,
): AppendGroup => {
  let waiting: Waiting[] = []
  let scheduled = false
  let isClosed = false

  const answer = ({ append }: Waiting): Answer => {
    try {
      return { appended: writer.append(append) }
    } catch (error) {
      if (error instanceof VersionConflict) return { conflict: error }
      throw error
    }
  }

  const commit = (group: readonly Waiting[]): readonly Answer[] => {
    try {
      const answers = inTransaction(database, () => {
        writer.begin()
        return group.map(answer)
      })
      writer.committed()
      return answers
    } catch (error) {
      writer.rolledBack()
      throw error
    }
  }

  const write = (group: readonly Waiting[]): void => {
    let answers: readonly Answer[]
    try {
      answers = commit(group)
    } catch (error) {
      const reason = asPortError(error)
      // A bug in one append must not become the fate of its neighbours.
      if (!(reason instanceof Unavailable) && group.length > 1)
        for (const alone of group) write([alone])
      else for (const { reject } of group) reject(reason)
      return
    }
    for (const [index, { resolve, reject }] of group.entries()) {
      const given = answers[index]
      if (given === undefined) reject(new Error('An append was not answered.'))
      else if ('appended' in given) resolve(given.appended)
      else reject(given.conflict)
    }
    onCommit()
  }

  const takeGroup = (): readonly Waiting[] => {
    let events = 0
    let bytes = 0
    const end = waiting.findIndex(({ append }) => {
      events += append.events.length
      bytes += weigh(append)
      return events > groupEventsMax || bytes > groupBytesMax
    })
    if (end === -1) {
      const all = waiting
      waiting = []
      return all
    }
    return waiting.splice(0, Math.max(1, end))
  }

  const schedule = (): void => {
    if (scheduled || waiting.length === 0) return
    scheduled = true
    setImmediate(flush)
  }

  const flush = (): void => {
    scheduled = false
    if (waiting.length > 0) write(takeGroup())
    schedule()
  }

  return {
    add(append) {
      if (isClosed) return Promise.reject(closed())
      if (waiting.length >= waitingMax)
        return Promise.reject(
          new Unavailable('store/overloaded', `${waitingMax} appends are waiting for the disk.`),
        )
      return new Promise((resolve, reject) => {
        waiting.push({ append, resolve, reject })
        schedule()
      })
    },
    close() {
      isClosed = true
      while (waiting.length > 0) write(takeGroup())
    },
  }
}
