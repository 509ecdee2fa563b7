import { Unavailable, VersionConflict } from '#ports/errors.ts'
import type { Appended, Expected } from '#ports/event-store.ts'
import { type PreparedEvent, valuesOf } from './event-rows.ts'
import type { Committed } from './log-committer.ts'
import type { AppendRows, Written } from './log-writer.ts'
import { closed } from './sqlite-errors.ts'

export interface PreparedAppend {
  readonly stream: string
  readonly events: readonly PreparedEvent[]
  readonly expected: Expected
}

/** One fsync serves all appends that came while the one before was under way; more take too long. */
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
  /** Refuses what comes from now on; resolves when all that waited is written. */
  close(): Promise<void>
}

/** An append that stands, and was not written before. */
export interface NewlyWritten {
  readonly append: PreparedAppend
  readonly written: Written
}

const weigh = ({ events }: PreparedAppend): number =>
  events.reduce((bytes, event) => bytes + event.bytes, 0)

const rowsOf = ({ append }: Waiting): AppendRows => ({
  stream: append.stream,
  expected: append.expected,
  rows: append.events.map(valuesOf),
})

export const createAppendGroup = (options: {
  readonly commit: (group: readonly AppendRows[]) => Committed | Promise<Committed>
  /** Groups on their way at a time. */
  readonly lanes: number
  /** Before anybody is told. `position`: of the newest event of the log. */
  readonly onCommit: (written: readonly NewlyWritten[], position: number) => void
}): AppendGroup => {
  const { commit, lanes, onCommit } = options
  let waiting: Waiting[] = []
  let running = 0
  let scheduled = false
  let isClosed = false
  let onIdle = (): void => {}

  const settle = (group: readonly Waiting[], { answers, position }: Committed): void => {
    const news: NewlyWritten[] = []
    for (const [index, { append }] of group.entries()) {
      const answer = answers[index]
      if (answer && 'revision' in answer && !answer.repeated) news.push({ append, written: answer })
    }
    onCommit(news, position)
    for (const [index, { append, resolve, reject }] of group.entries()) {
      const answer = answers[index]
      if (answer === undefined) reject(new Error('An append was not answered.'))
      else if ('failure' in answer) reject(answer.failure)
      else if ('conflict' in answer) reject(new VersionConflict(append.stream))
      else resolve({ revision: answer.revision, position: String(answer.position) })
    }
  }

  const write = async (group: readonly Waiting[]): Promise<void> => {
    running += 1
    try {
      settle(group, await commit(group.map(rowsOf)))
    } catch (error) {
      for (const { reject } of group) reject(error)
    } finally {
      running -= 1
      schedule()
      if (isClosed && running === 0 && waiting.length === 0) onIdle()
    }
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
    if (scheduled || waiting.length === 0 || running >= lanes) return
    scheduled = true
    setImmediate(flush)
  }

  const flush = (): void => {
    scheduled = false
    if (waiting.length > 0 && running < lanes) void write(takeGroup())
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
      if (running === 0 && waiting.length === 0) return Promise.resolve()
      return new Promise((resolve) => {
        onIdle = resolve
      })
    },
  }
}
