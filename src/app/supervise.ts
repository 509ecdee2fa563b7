import { UnknownEvent } from '#domain/recorded-fact.ts'
import type { Supervise } from '#handlers/keep-read-models.ts'
import type { Clock } from '#ports/clock.ts'
import { StartRefused } from '#ports/errors.ts'
import type { Log } from '#ports/log.ts'

const restartMs = 1_000

/** Runs loops: one that fails is started again, what a newer version wrote, and a log that was moved away, end the process. */
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
        log.error('A loop failed; it is started again.', { loop: name, error: error as Error })
        await clock.sleep(restartMs, signal)
      }
    }
  }
