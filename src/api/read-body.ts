import type { Readable } from 'node:stream'
import type { Clock } from '#ports/clock.ts'
import { ApiProblem } from './problems.ts'

export interface BodyLimits {
  readonly bytesMax: number
  readonly timeoutMs: number
}

/** Of a body that is not streamed. */
export const bodyBytesMax = 256 * 1024
export const callbackBytesMax = 1024 * 1024

const tooLarge = (bytesMax: number): ApiProblem =>
  new ApiProblem('request/too-large', `A body here has at most ${bytesMax} bytes.`)

/** Reads a whole body, and no more than its limit, within its time. */
export const readBody = async (
  payload: Readable,
  clock: Clock,
  { bytesMax, timeoutMs }: BodyLimits,
): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let bytes = 0
  let ended = false
  const done = new AbortController()
  const read = new Promise<void>((resolve, reject) => {
    payload.on('data', (chunk: Buffer | string) => {
      const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      bytes += piece.length
      if (bytes > bytesMax) reject(tooLarge(bytesMax))
      else chunks.push(piece)
    })
    payload.once('end', () => {
      ended = true
      resolve()
    })
    // Every stream closes: only before its end that is a fault.
    const broken = (): void => {
      if (ended) return
      reject(new ApiProblem('request/malformed', 'The connection was closed within the body.'))
    }
    payload.once('error', broken)
    payload.once('close', broken)
    void clock.sleep(timeoutMs, done.signal).then(() => {
      if (done.signal.aborted) return
      const detail = `A body has to be there within ${timeoutMs / 1_000} s.`
      reject(new ApiProblem('request/timeout', detail))
    })
  })
  try {
    await read
  } finally {
    // Without a reason, each abort would make an error with a stack.
    done.abort('read')
    payload.removeAllListeners('data')
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes)
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const decodeUtf8 = (bytes: Uint8Array): string => {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new ApiProblem('request/not-utf8', 'The body has bytes that are not UTF-8.', {
      pointer: '',
    })
  }
}
