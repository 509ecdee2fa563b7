import type { Readable } from 'node:stream'
import type { Intake } from '#handlers/intake.ts'
import type { TokenBucket } from '#handlers/token-bucket.ts'
import type { Clock } from '#ports/clock.ts'
import type { ApiProblem } from '../problems.ts'
import { type AnswerQueue, createAnswerQueue } from './answer-queue.ts'
import { type Chunks, createChunks } from './chunks.ts'
import { createLineSplitter, type Line } from './line-splitter.ts'
import { createSilence, type Silence } from './silence.ts'
import { createLineTaker, type LineTaker } from './take-lines.ts'

export interface BatchNeeds {
  /** Makes the answer to a line that is JSON, without the line's number; throws at once for its shape. */
  readonly decide: (value: unknown) => Promise<object>
  /** Asked before each piece of the input; throws when the key holds no more. */
  readonly admit: () => Promise<void>
  readonly onError: (error: unknown) => void
  /** Asked before every few lines; resolves when more can be taken in. */
  readonly intake: Intake
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
/** Lines that cost nothing but our own time are answered in turns, so that others have theirs. */
const refusedInTurn = 64
/** Lines taken in without asking whether there is room for more. */
const intakeLines = 64

export interface Batch {
  readonly output: Readable
  /** Resolves when all is answered, or nobody listens any more; says whether the input was read to its end. */
  readonly done: Promise<{ readonly complete: boolean }>
}

interface Under {
  readonly needs: BatchNeeds
  readonly chunks: Chunks
  readonly answers: AnswerQueue
  readonly taker: LineTaker
  readonly silence: Silence
  readonly finished: AbortController
  /** Why no more lines are read. */
  ending: ApiProblem | undefined
  lastLine: number
}

const isOver = ({ answers, ending }: Under): boolean => answers.gone || ending !== undefined

const isCrowded = ({ answers }: Under): boolean =>
  answers.waiting >= inFlightMax || answers.backedUp

const room = async (under: Under): Promise<void> => {
  while (isCrowded(under) && !isOver(under)) {
    await under.answers.change()
    if (!under.answers.backedUp) under.silence.heard()
  }
}

/** Waits for the key's turn: a batch is slowed down, never refused for its size. */
const turn = async (under: Under, firstWaitMs: number): Promise<void> => {
  const { clock, bucket } = under.needs
  for (let waitMs = firstWaitMs; !isOver(under); ) {
    await clock.sleep(waitMs, under.finished.signal)
    under.silence.heard()
    const token = bucket.take()
    if (token.taken) return
    waitMs = token.waitMs
  }
}

/** A batch that is held back is no silence of the other side. */
const allowed = async (under: Under): Promise<void> => {
  await under.needs.intake(under.finished.signal)
  under.silence.heard()
}

const takeAll = async (under: Under, lines: readonly Line[], refused: unknown): Promise<void> => {
  const { needs, taker } = under
  let inTurn = 0
  for (const line of lines) {
    under.lastLine = line.number
    if (line.text !== undefined && line.text.trim() === '') continue
    if (isCrowded(under)) await room(under)
    if (line.number % intakeLines === 0) await allowed(under)
    const token = needs.bucket.take()
    if (!token.taken) await turn(under, token.waitMs)
    if (isOver(under)) return
    if (taker.take(line, refused)) continue
    inTurn += 1
    if (inTurn % refusedInTurn === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

const admitted = async ({ needs }: Under): Promise<unknown> => {
  try {
    await needs.admit()
    return undefined
  } catch (error) {
    return error
  }
}

const readAll = async (under: Under): Promise<void> => {
  const splitter = createLineSplitter()
  for (;;) {
    const chunk = await under.chunks.next()
    if (chunk === undefined) break
    under.silence.heard()
    const refused = await admitted(under)
    await takeAll(under, splitter.push(chunk), refused)
    if (isOver(under)) return
  }
  if (!isOver(under)) await takeAll(under, splitter.end(), undefined)
}

const run = async (under: Under): Promise<{ readonly complete: boolean }> => {
  const { answers, taker, silence, finished } = under
  void silence.watch(finished.signal)
  try {
    await readAll(under)
    while (answers.waiting > 0 && !answers.gone) await answers.change()
    if (under.ending) taker.fail(under.lastLine + 1, under.ending)
    answers.end()
  } catch (error) {
    // The input broke: what was accepted stays, and there is nobody to tell.
    answers.output.destroy(error as Error)
  } finally {
    finished.abort()
  }
  return { complete: under.ending === undefined }
}

/** Answers each line of `input` with a line, in order. A bad line costs itself only. */
export const runBatch = (input: Readable, needs: BatchNeeds): Batch => {
  const answers = createAnswerQueue(inFlightMax)
  const chunks = createChunks(input)
  const end = (why: ApiProblem): void => {
    under.ending ??= why
    chunks.stop()
    answers.wake()
  }
  const onSilence = (): void => {
    if (answers.backedUp) answers.output.destroy()
    end(needs.idle())
  }
  const under: Under = {
    ...{ needs, chunks, answers, ending: undefined, lastLine: 0 },
    taker: createLineTaker(answers, needs.decide, needs.onError),
    silence: createSilence({
      ...needs,
      busy: () => answers.waiting > 0 && !answers.backedUp,
      onSilence,
    }),
    finished: new AbortController(),
  }
  const onStop = (): void => end(needs.stopped())
  needs.stopping.addEventListener('abort', onStop)
  const done = run(under).finally(() => needs.stopping.removeEventListener('abort', onStop))
  return { output: answers.output, done }
}
