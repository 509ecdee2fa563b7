import type { Clock } from '#ports/clock.ts'
import type { CrashPoints } from '#ports/crash-points.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import type { EventStore, LogPage, RecordedEvent } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import { collectionOf, type Projection } from '#projections/projection.ts'
import type { Checkpoints, HeldCheckpoint, Place } from './checkpoints.ts'
import { createGathering, createLoadMeter, type Groups, gatherMs } from './gathering.ts'
import type { Tenure } from './hold-lease.ts'
import { checkpointName, type Progress } from './progress.ts'
import { projectGroups } from './project.ts'
import type { ReadModels } from './read-models.ts'
import { shareLog } from './shared-log.ts'
import type { Tallies } from './tally.ts'

export interface Projector {
  /**
   * Follows the log for one generation of one read model until the tenure ends, `stop` fires or it is
   * replaced. Throws `CheckpointMoved` when another process does so.
   */
  follow(
    projection: Projection,
    generation: number,
    tenure: Tenure,
    stop?: AbortSignal,
  ): Promise<void>
  /** Of what this process follows. */
  readonly progress: readonly Progress[]
}

const pageMax = 4_000
/** A checkpoint that only passes over events of other read models is written this often. */
const saveEveryMs = 1_000
/** Readers believe this long that a generation is the active one, and a bit more to end their query. */
const dropAfterMs = 3_000

/** The end of a page, or the place before an event of it. `undefined`: where the page began. */
const placeBefore = (
  { events }: LogPage,
  event: RecordedEvent | undefined,
  start: string | undefined,
): Place | undefined => {
  const index = (event === undefined ? events.length : events.indexOf(event)) - 1
  const last = events[index]
  if (last === undefined) return undefined
  const before = events[index - 1]?.position ?? start
  const at = Date.parse(last.metadata.at)
  const place = { position: last.position, eventId: last.id, at }
  return before === undefined ? place : { ...place, before }
}

/** Moves a checkpoint: at once where that saves work, else a moment later, so that others see how far it is. */
const createSaving = (checkpoint: HeldCheckpoint, clock: Clock, stop: AbortSignal) => {
  const broken = new AbortController()
  const signal = AbortSignal.any([stop, broken.signal])
  let failure: { readonly error: unknown } | undefined
  let unsaved: Place | undefined
  let savedAt = clock.monotonic()
  let saving = Promise.resolve()
  let later: Promise<void> | undefined

  const save = async (): Promise<void> => {
    const place = unsaved
    if (!place) return
    unsaved = undefined
    await checkpoint.save(place)
    savedAt = clock.monotonic()
  }
  /** One after the other, for each builds on the one before. */
  const flush = (): Promise<void> => {
    const saved = saving.then(save)
    saving = saved.catch(() => {})
    return saved
  }
  const saveLater = async (): Promise<void> => {
    await clock.sleep(saveEveryMs, signal)
    later = undefined
    if (signal.aborted) return
    await flush().catch((error: unknown) => {
      failure ??= { error }
      broken.abort()
    })
  }

  return {
    /** Fires too when the checkpoint could not be moved. */
    signal,
    async note(place: Place, atOnce: boolean): Promise<void> {
      unsaved = place
      if (atOnce || clock.monotonic() - savedAt >= saveEveryMs) return flush()
      later ??= saveLater()
    },
    /** Throws what went wrong in the meantime. */
    async end(): Promise<void> {
      broken.abort()
      await later
      await saving
      if (failure) throw failure.error
    },
  }
}

export const createProjector = (needs: {
  readonly events: EventStore
  readonly documents: DocumentStore
  readonly checkpoints: Checkpoints
  readonly readModels: ReadModels
  readonly tallies?: Tallies
  readonly clock: Clock
  readonly crashPoints: CrashPoints
  readonly log: Log
  /** Reading the log is dear: it is read once for all read models that stand at the same place. */
  readonly shared?: boolean
}): Projector => {
  const { events, documents, checkpoints, readModels, clock, crashPoints, log } = needs
  const { subscribe } = needs.shared ? shareLog(events, clock) : events
  const progress = new Map<string, Progress>()

  /** A generation that has caught up takes over from the active one. */
  const activate = async (projection: Projection, generation: number): Promise<void> => {
    const before = await readModels.generations(projection)
    if (before.building !== generation) return
    await readModels.change(projection, (now) => {
      if (now.building !== generation) return now
      return { active: generation, retired: [...(now.retired ?? []), now.active] }
    })
    log.info('A read model was rebuilt.', { projection: projection.name, generation })
  }

  const isRetired = async (projection: Projection, generation: number): Promise<boolean> =>
    (await readModels.generations(projection)).retired?.includes(generation) ?? false

  const drop = async (
    projection: Projection,
    generation: number,
    { signal }: Tenure,
  ): Promise<void> => {
    await clock.sleep(dropAfterMs, signal)
    if (signal.aborted) return
    await documents.drop(collectionOf(projection, generation))
    await checkpoints.remove(checkpointName(projection, generation))
    await needs.tallies?.remove(checkpointName(projection, generation))
    await readModels.change(projection, ({ retired = [], ...rest }) => ({
      ...rest,
      retired: retired.filter((each) => each !== generation),
    }))
  }

  const followOn = async (
    projection: Projection,
    generation: number,
    checkpoint: HeldCheckpoint,
    stop: AbortSignal,
  ): Promise<void> => {
    const name = checkpointName(projection, generation)
    const collection = collectionOf(projection, generation)
    const gathering = createGathering(projection)
    const isLoad = createLoadMeter(clock)
    const saving = createSaving(checkpoint, clock, stop)
    const { signal } = saving
    let position = checkpoint.start?.position
    /** Where the page began; the checkpoint may lie before it, at what is held back. */
    let pageStart = position
    const note = (foldedAt: number, caughtUp: boolean) => {
      const about = { projection: projection.name, generation, position, foldedAt, caughtUp }
      progress.set(name, about)
    }

    /** Folds what was gathered, then moves the checkpoint as far as everything is folded. */
    const settle = async (page: LogPage, groups: Groups): Promise<void> => {
      await projectGroups({ documents, projection, collection, log, counting }, groups)
      crashPoints.reach('projected-checkpoint-not-written')
      const { firstHeld } = gathering
      const place = placeBefore(page, firstHeld, pageStart)
      // Events of other read models only: to come by them again costs next to nothing.
      if (place) await saving.note(place, groups.size > 0)
      position = place?.position ?? position
      note(Date.parse(page.events.at(-1)!.metadata.at), page.atHead && firstHeld === undefined)
    }

    // Documents without a checkpoint are of another log, or of one that was longer.
    if (position === undefined) await documents.drop(collection)
    const counting = await needs.tallies?.open(projection, name, collection)
    const atHead = (await events.head()) === position
    note(checkpoint.start?.at ?? 0, atHead)
    if (atHead) await activate(projection, generation)
    const after = position === undefined ? {} : { after: position }
    for await (const page of subscribe({ ...after, limit: pageMax, signal })) {
      if (await isRetired(projection, generation)) break
      const underLoad = isLoad(page.events.length)
      await settle(page, gathering.take(page.events, underLoad))
      if (page.atHead) await activate(projection, generation)
      if (page.atHead && underLoad) {
        await clock.sleep(gatherMs, signal)
        // Nothing came meanwhile that would bring it along.
        const isLast = (await events.head()) === page.checkpoint
        if (isLast && !signal.aborted) await settle(page, gathering.takeRest())
      }
      pageStart = page.checkpoint
    }
    await saving.end()
  }

  return {
    get progress() {
      return [...progress.values()]
    },

    async follow(projection, generation, tenure, stop) {
      if (await isRetired(projection, generation)) return drop(projection, generation, tenure)
      const name = checkpointName(projection, generation)
      const checkpoint = await checkpoints.claim(name, tenure)
      const signal = stop ? AbortSignal.any([tenure.signal, stop]) : tenure.signal
      try {
        await followOn(projection, generation, checkpoint, signal)
      } finally {
        progress.delete(name)
      }
      if (signal.aborted) return
      if (await isRetired(projection, generation)) await drop(projection, generation, tenure)
    },
  }
}
