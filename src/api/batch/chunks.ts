import type { Readable } from 'node:stream'

/** Reads a stream piece by piece, when asked; can be left at any time without destroying it. */
export interface Chunks {
  /** `undefined`: the stream has ended, or nobody wants more. Throws when it broke. */
  next(): Promise<Buffer | undefined>
  /** A waiting `next` answers `undefined`, and every later one. */
  stop(): void
}

export const createChunks = (payload: Readable): Chunks => {
  let ended = false
  let failure: Error | undefined
  let wake = (): void => {}

  const finish = (error?: Error): void => {
    failure ??= error
    ended = true
    wake()
  }
  payload.on('readable', () => wake())
  payload.once('end', () => finish())
  payload.once('error', (error) => finish(error))
  payload.once('close', () => {
    // Without `end` before it, the client has gone within the body.
    if (!payload.readableEnded) finish(new Error('The client closed the connection.'))
  })

  return {
    async next() {
      for (;;) {
        if (failure) throw failure
        if (ended) return undefined
        const chunk: Buffer | string | null = payload.read()
        if (chunk !== null) return typeof chunk === 'string' ? Buffer.from(chunk) : chunk
        if (payload.readableEnded) return undefined
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    stop() {
      ended = true
      wake()
    },
  }
}
