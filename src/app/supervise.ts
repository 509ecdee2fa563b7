import { UnknownEvent } from '#domain/recorded-fact.ts'
import { CheckpointMoved } from '#handlers/checkpoints.ts'
import type { Supervise } from '#handlers/keep-read-models.ts'
import type { Clock } from '#ports/clock.ts'
import { StartRefused, Unavailable } from '#ports/errors.ts'
import type { Log } from '#ports/log.ts'

const restartMs = 1_000

/**
 * Runs loops: one that fails is started again. What a newer version wrote, and a log that was moved away, end
 * the process.
 */
export const createSupervise =
  (needs: {
    readonly clock: Clock
    readonly log: Log
    readonly onFatal: (error: Error) => void
  }): Supervise =>
  async (name, signal, run) => {
    const { clock, log, onFatal } = needs
    while (!signal.aborted) {
      try {
        return await run()
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof UnknownEvent || error instanceof StartRefused) return onFatal(error)
        // A server that is away comes back, and a role that another process has taken is in good hands.
        const isExpected = error instanceof Unavailable || error instanceof CheckpointMoved
        log[isExpected ? 'warn' : 'error']('A loop failed; it is started again.', {
          loop: name,
          error: error as Error,
        })
        await clock.sleep(restartMs, signal)
      }
    }
  }
