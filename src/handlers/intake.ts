import type { Clock } from '#ports/clock.ts'
import type { WorkQueue } from '#ports/work-queue.ts'

/** Asked by whoever brings much, before some more; resolves when it may be brought. */
export type Intake = (signal: AbortSignal) => Promise<void>

/** So many waiting items are worked off in a moment; their events are still young then, and cheap to collect. */
const waitingMax = 150
/** The queue is counted this often at most. */
const countEveryMs = 10
/** However slow the work is, some more is brought after this long: an outage must not end the intake. */
const patienceMs = 250

/**
 * Lets batches bring no more than is worked off, while the queue lives in this process. What is accepted far
 * ahead of its turn has to be read back from the disk, and fills the memory meanwhile.
 */
export const createIntake = (needs: {
  readonly queue: Pick<WorkQueue, 'depths' | 'volatile'>
  readonly clock: Clock
}): Intake => {
  const { queue, clock } = needs
  if (!queue.volatile) return async () => {}
  let crowded = false
  let countedAtMs = Number.NEGATIVE_INFINITY

  const count = async (): Promise<void> => {
    const now = clock.monotonic()
    if (now - countedAtMs < countEveryMs) return
    countedAtMs = now
    const waiting = (await queue.depths()).reduce((sum, each) => sum + each.waiting, 0)
    crowded = waiting > waitingMax
  }

  return async (signal) => {
    const start = clock.monotonic()
    await count()
    while (crowded && !signal.aborted && clock.monotonic() - start < patienceMs) {
      await clock.sleep(countEveryMs, signal)
      await count()
    }
  }
}
