import type { Clock } from '#ports/clock.ts'
import { Unavailable } from '#ports/errors.ts'
import type { HeldCheckpoint, History, Place } from './checkpoints.ts'
import { createInTurn } from './in-turn.ts'

/** A checkpoint that only passes over events of other read models is written this often. */
const saveEveryMs = 1_000
/** A store that was emptied says nothing by itself, and at the head of a quiet log nobody writes. */
const lookEveryMs = 10_000

/** Moves a checkpoint: at once where that saves work, else a moment later, so that others see how far it is. */
export interface Saving {
  /** All before this place is folded. */
  note(place: Place, atOnce: boolean): Promise<void>
  /** What is missing before it. `undefined`: nothing. */
  noteHistory(history: History | undefined): Promise<void>
  /** Writes what was noted, and throws `CheckpointMoved` when the checkpoint is gone; until `signal` fires. */
  run(signal: AbortSignal): Promise<void>
}

export const createSaving = (
  checkpoint: HeldCheckpoint,
  from: Place | undefined,
  clock: Clock,
): Saving => {
  const inTurn = createInTurn()
  const { history: historyAtFirst, ...first } = from ?? {}
  let place = from && (first as Place)
  let history = historyAtFirst
  let isSaved = true
  let savedAt = clock.monotonic()

  /** One after the other, for each builds on the one before. */
  const flush = (): Promise<void> =>
    inTurn(async () => {
      if (isSaved || !place) return
      isSaved = true
      await checkpoint.save(history ? { ...place, history } : place)
      savedAt = clock.monotonic()
    })

  const look = async (): Promise<void> => {
    try {
      await inTurn(() => checkpoint.confirm())
    } catch (error) {
      // A store that does not answer now has not lost anything for that.
      if (!(error instanceof Unavailable)) throw error
    }
  }

  return {
    async note(next, atOnce) {
      place = next
      isSaved = false
      if (atOnce || clock.monotonic() - savedAt >= saveEveryMs) await flush()
    },
    async noteHistory(next) {
      history = next
      isSaved = false
      await flush()
    },
    async run(signal) {
      let lookedAt = clock.monotonic()
      while (!signal.aborted) {
        await clock.sleep(saveEveryMs, signal)
        if (signal.aborted) return
        await flush()
        if (clock.monotonic() - lookedAt < lookEveryMs) continue
        lookedAt = clock.monotonic()
        await look()
      }
    },
  }
}
