import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import { unavailable } from './api-errors.ts'
import type { Link } from './link.ts'

/** Keeps a stream and its consumers there: a server that lost its store gets them again. */
export interface Keeper extends AsyncDisposable {
  /** Names the stream that is there: another value after it was made anew. */
  epoch(): string
  /** Somebody missed it. Resolves when all is there, or the keeper was closed. */
  restore(): Promise<void>
  /** Called after each of these, and so after each new connection. Answers how to be left out again. */
  onRestored(listener: () => void): () => void
}

const lookEveryMs = 5_000
const retryMs = 500
const firstTriesMax = 3

/**
 * `ensure` makes what is missing and answers when the stream was made. The first call must succeed (of
 * three tries), and may change what differs; later ones are repeated until they do.
 */
export const openKeeper = async (needs: {
  readonly link: Link
  readonly stream: string
  readonly ensure: (
    adjust: boolean,
  ) => Promise<{ readonly created: string; readonly changed: boolean }>
  readonly clock: Pick<Clock, 'sleep'>
  readonly log: Log
}): Promise<Keeper> => {
  const { link, stream, ensure, clock, log } = needs
  const end = new AbortController()
  const listeners = new Set<() => void>()

  /** A server that is busy removing what was deleted, or choosing a leader, says no for a moment. */
  const ensureFirst = async (triesLeft = firstTriesMax - 1): Promise<string> => {
    try {
      return (await ensure(true)).created
    } catch (error) {
      if (triesLeft === 0) throw error
      await clock.sleep(retryMs)
      return ensureFirst(triesLeft - 1)
    }
  }
  let epoch = await ensureFirst()
  let restoring: Promise<void> | undefined

  const look = async (): Promise<boolean> => {
    const { created, changed } = await ensure(false)
    if (created !== epoch) {
      log.warn(
        'A stream of NATS was made anew; what it held is lost and comes back from the log.',
        {
          stream,
        },
      )
    }
    epoch = created
    return changed
  }

  const restoreSurely = async (): Promise<void> => {
    let said = false
    while (!end.signal.aborted) {
      try {
        if (link.isUp()) {
          await look()
          for (const listener of listeners) listener()
          return
        }
      } catch (error) {
        if (!said)
          log.warn('A stream of NATS is not there and cannot be made; tried again.', {
            stream,
            error: unavailable(error),
          })
        said = true
      }
      await clock.sleep(retryMs, end.signal)
    }
  }

  const restore = (): Promise<void> => {
    restoring ??= restoreSurely().finally(() => {
      restoring = undefined
    })
    return restoring
  }

  /** Who only publishes would not notice that somebody else made the stream anew. */
  const watch = async (): Promise<void> => {
    while (!end.signal.aborted) {
      await clock.sleep(lookEveryMs, end.signal)
      if (end.signal.aborted || !link.isUp() || restoring) continue
      const changed = await look().catch(() => true)
      if (changed) await restore()
    }
  }
  const watching = watch()
  link.onBack(() => void restore())

  return {
    epoch: () => epoch,
    restore,
    onRestored: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async [Symbol.asyncDispose]() {
      end.abort()
      await Promise.all([watching, restoring])
    },
  }
}
