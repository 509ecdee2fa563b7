import type { Readable } from 'node:stream'
import type { TokenBucket } from '#handlers/token-bucket.ts'
import type { Clock } from '#ports/clock.ts'
import { parseJsonText } from '../json-text.ts'
import { type ApiProblem, problemOf } from '../problems.ts'
import { createAnswerQueue } from './answer-queue.ts'
import { createChunks } from './chunks.ts'
import { createLineSplitter, type Line } from './line-splitter.ts'

export interface BatchNeeds {
  /** Makes the answer to a line that is JSON, without the line's number. */
  readonly take: (value: unknown) => Promise<object>
  /** Asked before each piece of the input; throws when the key holds no more. */
  readonly admit: () => Promise<void>
  readonly onError: (error: unknown) => void
  readonly bucket: TokenBucket
  readonly clock: Clock
  readonly idleMs: number
  /** What to say when the other side says or reads nothing for so long. */
  readonly idle: () => ApiProblem
  readonly stopping: AbortSignal
  readonly stopped: () => ApiProblem
}

/** Requests of one batch that are being decided and recorded at the same time. */
export const inFlightMax = 256

export interface Batch {
  readonly output: Readable
  /** Resolves when all is answered, or nobody listens any more; says whether the input was read to its end. */
  readonly done: Promise<{ readonly complete: boolean }>
}

/** Answers each line of `input` with a line, in order. A bad line costs itself only. */
export const runBatch = (input: Readable, needs: BatchNeeds): Batch => {
  const { take, admit, onError, bucket, clock, idleMs } = needs
  const chunks = createChunks(input)
  const splitter = createLineSplitter()
  const answers = createAnswerQueue(inFlightMax)
  const finished = new AbortController()
  let heardAtMs = clock.monotonic()
  let lastLine = 0
  /** Why no more lines are read. */
  let ending: ApiProblem | undefined
  /** Why the lines of this piece are refused. */
  let refused: unknown

  const fail = (place: number, number: number, error: unknown): void => {
    const { problem } = problemOf(error)
    onError(error)
    answers.answer(place, `${JSON.stringify({ line: number, status: problem.status, problem })}\n`)
  }

  /** Throws what is wrong with the line before it is asked for. */
  const jsonOf = ({ text, problem }: Line): unknown => {
    if (refused || text === undefined) throw refused ?? problem
    return parseJsonText(text)
  }

  const start = (line: Line): void => {
    const { number } = line
    const place = answers.open()
    let value: unknown
    try {
      value = jsonOf(line)
    } catch (error) {
      fail(place, number, error)
      return
    }
    take(value).then(
      (answer) => answers.answer(place, `{"line":${number},${JSON.stringify(answer).slice(1)}\n`),
      (error: unknown) => fail(place, number, error),
    )
  }

  const crowded = (): boolean => answers.waiting >= inFlightMax || answers.backedUp
  const over = (): boolean => answers.gone || ending !== undefined

  const room = async (): Promise<void> => {
    while (crowded() && !over()) {
      await answers.change()
      if (!answers.backedUp) heardAtMs = clock.monotonic()
    }
  }

  /** Waits for the key's turn: a batch is slowed down, never refused for its size. */
  const turn = async (firstWaitMs: number): Promise<void> => {
    let waitMs = firstWaitMs
    while (!over()) {
      await clock.sleep(waitMs, finished.signal)
      heardAtMs = clock.monotonic()
      const token = bucket.take()
      if (token.taken) return
      waitMs = token.waitMs
    }
  }

  const startAll = async (lines: readonly Line[]): Promise<void> => {
    for (const line of lines) {
      lastLine = line.number
      if (line.text !== undefined && line.text.trim() === '') continue
      if (crowded()) await room()
      const token = bucket.take()
      if (!token.taken) await turn(token.waitMs)
      if (over()) return
      start(line)
    }
  }

  const readAll = async (): Promise<void> => {
    for (;;) {
      const chunk = await chunks.next()
      if (chunk === undefined) break
      heardAtMs = clock.monotonic()
      refused = undefined
      await admit().catch((error: unknown) => {
        refused = error
      })
      await startAll(splitter.push(chunk))
      if (over()) return
    }
    if (!over()) await startAll(splitter.end())
  }

  const end = (why: ApiProblem): void => {
    ending ??= why
    chunks.stop()
    answers.wake()
  }

  /** Silence is a fault of the other side only while nothing is being done for it. */
  const watch = async (): Promise<void> => {
    while (!finished.signal.aborted) {
      const now = clock.monotonic()
      if (answers.waiting > 0 && !answers.backedUp) heardAtMs = now
      if (now - heardAtMs >= idleMs) {
        if (answers.backedUp) answers.output.destroy()
        return end(needs.idle())
      }
      await clock.sleep(heardAtMs + idleMs - now, finished.signal)
    }
  }

  const run = async (): Promise<{ readonly complete: boolean }> => {
    const onStop = (): void => end(needs.stopped())
    needs.stopping.addEventListener('abort', onStop)
    void watch()
    try {
      await readAll()
      while (answers.waiting > 0 && !answers.gone) await answers.change()
      if (ending) fail(answers.open(), lastLine + 1, ending)
      answers.end()
    } catch (error) {
      // The input broke: what was accepted stays, and there is nobody to tell.
      answers.output.destroy(error as Error)
    } finally {
      finished.abort()
      needs.stopping.removeEventListener('abort', onStop)
    }
    return { complete: ending === undefined }
  }

  return { output: answers.output, done: run() }
}
