import type { Point } from '#domain/recovery/recovery.ts'
import type { Clock } from '#ports/clock.ts'
import type { CrashPoints } from '#ports/crash-points.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import type { EventStore, LogPage } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import { collectionOf, type Projection } from '#projections/projection.ts'
import type { Checkpoints, HeldCheckpoint, Place } from './checkpoints.ts'
import { createGathering, createLoadMeter, type Groups, gatherMs } from './gathering.ts'
import type { Tenure } from './hold-lease.ts'
import { createInTurn } from './in-turn.ts'
import { newestOf, placeBefore } from './places.ts'
import { checkpointName, type Progress } from './progress.ts'
import { type Projecting, projectGroups } from './project.ts'
import type { ReadModels } from './read-models.ts'
import { followHistory, recoverFromMark } from './recover.ts'
import { createSaving } from './saving.ts'
import type { Tallies } from './tally.ts'
import { together } from './together.ts'

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
/** Readers believe this long that a generation is the active one, and a bit more to end their query. */
const dropAfterMs = 3_000

/** One generation of a read model, and the name of its checkpoint. */
interface Followed {
  readonly projection: Projection
  readonly generation: number
  readonly name: string
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
}): Projector => {
  const { events, documents, checkpoints, readModels, clock, crashPoints, log } = needs
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

  /** Timers first: while what is open is brought back, the other read models wait. */
  let timersAreBack: Promise<void> | undefined

  /** Without a mark the whole log is folded: nobody need wait for that. */
  const bringTimersBack = async (
    feeding: Projecting,
    signal: AbortSignal,
    reachedHead: Promise<void>,
  ): Promise<Point | undefined> => {
    if (!feeding.projection.wholeStream) return undefined
    const held = Promise.withResolvers<void>()
    timersAreBack = held.promise
    let from: Point | undefined
    try {
      from = await recoverFromMark({ events, log, feeding }, signal)
    } finally {
      if (from) void reachedHead.then(held.resolve)
      else held.resolve()
    }
    return from
  }

  const followOn = async (
    followed: Followed,
    checkpoint: HeldCheckpoint,
    stop: AbortSignal,
  ): Promise<void> => {
    const { projection, generation, name } = followed
    await using ending = new AsyncDisposableStack()
    const collection = collectionOf(projection, generation)
    const { start } = checkpoint
    // Documents without a checkpoint are of another log, or of one that was longer.
    if (!start) {
      await checkpoint.confirm()
      await documents.drop(collection)
    }
    const counting = await needs.tallies?.open(projection, name, collection, !start)
    const feeding = { streams: events, documents, projection, collection, log, counting }
    const reachedHead = Promise.withResolvers<void>()
    // However this ends: others may wait for it.
    ending.defer(() => reachedHead.resolve())
    // One that is built beside another is shown when it is whole: nobody waits for its agenda.
    const isActive = (await readModels.generations(projection)).active === generation
    const mark =
      !start && isActive
        ? await bringTimersBack({ ...feeding, recovering: true }, stop, reachedHead.promise)
        : undefined
    if (stop.aborted) return
    const from: Place | undefined = mark ? { ...mark, history: { until: mark.position } } : start
    let history = from?.history
    let newestAt = from ? from.newestAt : 0
    let position = from?.position
    /** Where the page began; the checkpoint may lie before it, at what is held back. */
    let pageStart = position
    let last = { foldedAt: start?.at ?? 0, caughtUp: (await events.head()) === position }
    const gathering = createGathering(projection)
    const isLoad = createLoadMeter(clock)
    const saving = createSaving(checkpoint, from, clock)
    /** Never two who fold the same document. */
    const inTurn = createInTurn()
    const note = (now: typeof last) => {
      last = now
      const about = { projection: projection.name, generation, position, ...now }
      progress.set(name, history ? { ...about, history } : about)
    }

    /** Folds what was gathered, then moves the checkpoint as far as everything is folded. */
    const settle = async (page: LogPage, groups: Groups): Promise<void> => {
      const recovering = history !== undefined
      await inTurn(() => projectGroups({ ...feeding, recovering }, groups))
      crashPoints.reach('projected-checkpoint-not-written')
      const { firstHeld } = gathering
      const place = placeBefore(page, firstHeld, pageStart)
      if (newestAt !== undefined) newestAt = Math.max(newestAt, newestOf(page))
      // Events of other read models only: to come by them again costs next to nothing.
      if (place)
        await saving.note(
          { ...place, ...(newestAt !== undefined && { newestAt }) },
          groups.size > 0,
        )
      position = place?.position ?? position
      const foldedAt = Date.parse(page.events.at(-1)!.metadata.at)
      note({ foldedAt, caughtUp: page.atHead && firstHeld === undefined })
    }

    const followNews = async (signal: AbortSignal): Promise<void> => {
      const after = position === undefined ? {} : { after: position }
      for await (const page of events.subscribe({ ...after, limit: pageMax, signal })) {
        if (await isRetired(projection, generation)) break
        if (!projection.wholeStream) await Promise.race([timersAreBack, reachedHead.promise])
        const underLoad = isLoad(page.events.length)
        await settle(page, gathering.take(page.events, underLoad))
        if (page.atHead) await activate(projection, generation)
        if (page.atHead && underLoad) {
          await clock.sleep(gatherMs, signal)
          // Nothing came meanwhile that would bring it along.
          const isLast = (await events.head()) === page.checkpoint
          if (isLast && !signal.aborted) await settle(page, gathering.takeRest())
        }
        if (page.atHead) reachedHead.resolve()
        pageStart = page.checkpoint
      }
    }

    /** What is open comes first; nobody waits for the rest. */
    const bringHistory = async (signal: AbortSignal): Promise<void> => {
      signal.addEventListener('abort', () => reachedHead.resolve())
      await reachedHead.promise
      if (!history || signal.aborted) return
      const fold = (groups: Groups) =>
        inTurn(() => projectGroups({ ...feeding, toTheEnd: true }, groups))
      const onPage = async (left: typeof history): Promise<void> => {
        history = left
        note(last)
        await saving.noteHistory(left)
      }
      await followHistory({ events, log, feeding, history, fold, onPage }, signal)
    }

    note(last)
    if (mark) await saving.noteHistory(history)
    if (last.caughtUp) {
      await activate(projection, generation)
      reachedHead.resolve()
    }
    await together(stop, followNews, bringHistory, saving.run)
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
        await followOn({ projection, generation, name }, checkpoint, signal)
      } finally {
        progress.delete(name)
      }
      if (signal.aborted) return
      if (await isRetired(projection, generation)) await drop(projection, generation, tenure)
    },
  }
}
