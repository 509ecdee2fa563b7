import { Readable } from 'node:stream'

/** Writes answers in the order of their questions, however they come; in large pieces. */
export interface AnswerQueue {
  readonly output: Readable
  /** Questions whose answers are not written yet. */
  readonly waiting: number
  /** The reader of the answers takes no more for now. */
  readonly backedUp: boolean
  /** The reader of the answers has gone. */
  readonly gone: boolean
  /** The place of the next answer. */
  open(): number
  answer(place: number, line: string): void
  /** Resolves when something was written, read, or nobody reads any more. */
  change(): Promise<void>
  /** Whoever waits for a change has a reason to look again. */
  wake(): void
  /** After all answers. */
  end(): void
}

/** At most as many answers are kept as there may be questions in flight. */
const pieceChars = 64 * 1024
const outputBytesMax = 256 * 1024

export const createAnswerQueue = (windowMax: number): AnswerQueue => {
  const slots: (string | undefined)[] = new Array(windowMax)
  let opened = 0
  let written = 0
  let piece = ''
  let flushing = false
  let backedUp = false
  let gone = false
  let notify = (): void => {}

  const output = new Readable({
    highWaterMark: outputBytesMax,
    read() {
      backedUp = false
      notify()
    },
    destroy(error, done) {
      gone = true
      notify()
      done(error)
    },
  })

  const flush = (): void => {
    if (piece === '' || gone) return
    backedUp = !output.push(piece)
    piece = ''
  }

  /** Answers that come in one turn of the event loop leave together. */
  const flushSoon = (): void => {
    if (piece.length >= pieceChars) flush()
    else if (!flushing) {
      flushing = true
      setImmediate(() => {
        flushing = false
        flush()
      })
    }
  }

  return {
    output,
    get waiting() {
      return opened - written
    },
    get backedUp() {
      return backedUp
    },
    get gone() {
      return gone
    },
    open() {
      opened += 1
      return opened - 1
    },
    answer(place, line) {
      slots[place % windowMax] = line
      if (place !== written) return
      for (;;) {
        const next = slots[written % windowMax]
        if (next === undefined) break
        slots[written % windowMax] = undefined
        piece += next
        written += 1
      }
      flushSoon()
      notify()
    },
    change: () =>
      new Promise<void>((resolve) => {
        notify = resolve
      }),
    wake: () => notify(),
    end() {
      flush()
      if (!gone) output.push(null)
    },
  }
}
