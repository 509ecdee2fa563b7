import type { Clock } from '#ports/clock.ts'
import { CheckpointMoved, type HeldCheckpoint, type Place } from './checkpoints.ts'

const saveEveryMs = 1_000

/** Moves the checkpoint of a follower that may do work twice, and must not wait for a slow store. */
export interface PlaceKeeper {
  /** Fires too when the checkpoint is not ours to move any more. */
  readonly signal: AbortSignal
  /** All before this place is done. Written at most once a second, one after the other, the newest place only. */
  note(place: Place): void
  /** Writes what was noted last; throws why the checkpoint could not be moved before. */
  end(): Promise<void>
}

export const createPlaceKeeper = (
  checkpoint: HeldCheckpoint,
  clock: Pick<Clock, 'monotonic'>,
  stop: AbortSignal,
): PlaceKeeper => {
  const broken = new AbortController()
  let failure: { readonly error: unknown } | undefined
  let unsaved: Place | undefined
  let saving: Promise<void> | undefined
  // The first place is saved at once: until then another start would not know that there was one.
  let savedAt = Number.NEGATIVE_INFINITY

  const save = async (): Promise<void> => {
    const place = unsaved
    if (!place) return
    unsaved = undefined
    savedAt = clock.monotonic()
    await checkpoint.trySave(place)
  }

  const saveBeside = async (): Promise<void> => {
    try {
      await save()
    } catch (error) {
      failure ??= { error }
      broken.abort()
    }
    saving = undefined
  }

  return {
    signal: AbortSignal.any([stop, broken.signal]),
    note(place) {
      unsaved = place
      if (!saving && clock.monotonic() - savedAt >= saveEveryMs) saving = saveBeside()
    },
    async end() {
      await saving
      if (failure) throw failure.error
      // For the next one. Whoever lost the role cannot move it any more, and need not.
      await save().catch((error: unknown) => {
        if (!(error instanceof CheckpointMoved)) throw error
      })
    },
  }
}
