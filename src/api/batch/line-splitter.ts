import { ApiProblem } from '../problems.ts'
import { bodyBytesMax, decodeUtf8 } from '../read-body.ts'

/** A line of the input, counted from 1, or why it is none. */
export interface Line {
  readonly number: number
  readonly text?: string
  readonly problem?: ApiProblem
}

export interface LineSplitter {
  /** The lines that this piece completes. */
  push(chunk: Buffer): readonly Line[]
  /** The last line, when it had no end. */
  end(): readonly Line[]
}

const newline = 0x0a
const replacement = '\ufffd'

/** What is kept of a line grows from this, twofold: a line may come byte by byte. */
const restMin = 4 * 1024

const tooLong = (): ApiProblem =>
  new ApiProblem('request/too-large', `A line has at most ${bodyBytesMax} bytes.`)

/**
 * Cuts pieces of bytes into lines in time proportional to the bytes. A line that is too long is
 * passed over without being kept; one that is not UTF-8 spoils no other.
 */
export const createLineSplitter = (): LineSplitter => {
  let number = 0
  /** What came of the line that has no end yet. */
  let rest = Buffer.alloc(0)
  let restBytes = 0

  const strict = (bytes: Buffer): Line => {
    number += 1
    if (bytes.length > bodyBytesMax) return { number, problem: tooLong() }
    try {
      return { number, text: decodeUtf8(bytes) }
    } catch (error) {
      return { number, problem: error as ApiProblem }
    }
  }

  const strictLines = (block: Buffer): readonly Line[] => {
    const lines: Line[] = []
    for (let from = 0; from <= block.length; ) {
      const to = block.indexOf(newline, from)
      const end = to < 0 ? block.length : to
      lines.push(strict(block.subarray(from, end)))
      from = end + 1
    }
    return lines
  }

  /** Whole lines without the last newline: decoded together, which is faster than one by one. */
  const linesOf = (block: Buffer): readonly Line[] => {
    const text = block.toString('utf8')
    if (text.includes(replacement) || block.length > bodyBytesMax) return strictLines(block)
    return text.split('\n').map((each) => {
      number += 1
      return { number, text: each }
    })
  }

  const keep = (piece: Buffer): void => {
    const bytes = restBytes + piece.length
    // More is enough to know that it is too long.
    if (bytes <= bodyBytesMax) {
      if (bytes > rest.length) {
        const larger = Buffer.allocUnsafeSlow(
          Math.min(bodyBytesMax, Math.max(bytes, restMin, rest.length * 2)),
        )
        rest.copy(larger, 0, 0, restBytes)
        rest = larger
      }
      piece.copy(rest, restBytes)
    }
    restBytes = bytes
  }

  const takeRest = (): Line => {
    const bytes = restBytes
    restBytes = 0
    if (bytes <= bodyBytesMax) return strict(rest.subarray(0, bytes))
    number += 1
    return { number, problem: tooLong() }
  }

  return {
    push(chunk) {
      const last = chunk.lastIndexOf(newline)
      if (last < 0) {
        keep(chunk)
        return []
      }
      const lines: Line[] = []
      let from = 0
      if (restBytes > 0) {
        from = chunk.indexOf(newline)
        keep(chunk.subarray(0, from))
        lines.push(takeRest())
        from += 1
      }
      if (from <= last) lines.push(...linesOf(chunk.subarray(from, last)))
      if (last + 1 < chunk.length) keep(chunk.subarray(last + 1))
      return lines
    },
    end: () => (restBytes > 0 ? [takeRest()] : []),
  }
}
