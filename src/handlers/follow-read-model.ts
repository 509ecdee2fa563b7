import type { Point } from '#domain/recovery/recovery.ts'
import type { Clock } from '#ports/clock.ts'
import type { CrashPoints } from '#ports/crash-points.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import type { EventStore, LogPage } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import { collectionOf, type Projection } from '#projections/projection.ts'
import type { HeldCheckpoint, History, Place } from './checkpoints.ts'
import { createGathering, createLoadMeter, type Groups, gatherMs } from './gathering.ts'
import { createInTurn } from './in-turn.ts'
import { newestOf, placeBefore } from './places.ts'
import type { Progress } from './progress.ts'
import { type Projecting, projectGroups } from './project.ts'
import { followHistory, recoverFromMark } from './recover.ts'
import { createSaving } from './saving.ts'
import type { Tallies } from './tally.ts'
import { together } from './together.ts'

const pageMax = 4_000

export interface FollowNeeds {
  readonly events: EventStore
  readonly documents: DocumentStore
  readonly tallies?: Tallies
  readonly clock: Clock
  readonly crashPoints: CrashPoints
  readonly log: Log
}

/** One generation of a read model, and what of it concerns others. */
export interface Followed {
  readonly projection: Projection
  readonly generation: number
  /** Of its checkpoint. */
  readonly name: string
  readonly checkpoint: HeldCheckpoint
  /** The one that is asked; one that is built beside it is shown when it is whole. */
  readonly isActive: boolean
  isRetired(): Promise<boolean>
  /** It has caught up. */
  activate(): Promise<void>
  note(progress: Progress): void
}

interface Begun {
  readonly feeding: Projecting & { readonly streams: EventStore }
  /** `undefined`: the beginning of the log. */
  readonly from: Place | undefined
}

type Standing = Pick<Progress, 'foldedAt' | 'caughtUp'>

/** What the tasks of one follower share. */
const createFollower = (needs: FollowNeeds, followed: Followed, { feeding, from }: Begun) => {
  const { events, clock, crashPoints, log } = needs
  const { projection, generation, checkpoint } = followed
  let history = from?.history
  let newestAt = from ? from.newestAt : 0
  let position = from?.position
  /** Where the page began; the checkpoint may lie before it, at what is held back. */
  let pageStart = position
  let standing: Standing = { foldedAt: from?.at ?? 0, caughtUp: false }
  const gathering = createGathering(projection)
  const isLoad = createLoadMeter(clock)
  const saving = createSaving(checkpoint, from, clock)
  /** Never two who fold the same document. */
  const inTurn = createInTurn()

  const note = (now: Standing): void => {
    standing = now
    const about = { projection: projection.name, generation, position, ...now }
    followed.note(history ? { ...about, history } : about)
  }
  const noteHistory = async (left: History | undefined): Promise<void> => {
    history = left
    note(standing)
    await saving.noteHistory(left)
  }

  /** Folds what was gathered, then moves the checkpoint as far as everything is folded. */
  const settle = async (page: LogPage, groups: Groups): Promise<void> => {
    const recovering = history !== undefined
    await inTurn(() => projectGroups({ ...feeding, recovering }, groups))
    if (groups.size > 0) crashPoints.reach('projected-checkpoint-not-written')
    const { firstHeld } = gathering
    const place = placeBefore(page, firstHeld, pageStart)
    if (newestAt !== undefined) newestAt = Math.max(newestAt, newestOf(page))
    const known = newestAt === undefined ? {} : { newestAt }
    // Events of other read models only: to come by them again costs next to nothing.
    if (place) await saving.note({ ...place, ...known }, groups.size > 0)
    position = place?.position ?? position
    const foldedAt = Date.parse(page.events.at(-1)!.metadata.at)
    note({ foldedAt, caughtUp: page.atHead && firstHeld === undefined })
  }

  return {
    /** Says where it stands before it moves; whether that is the head. */
    async begin(): Promise<boolean> {
      const caughtUp = (await events.head()) === position
      note({ ...standing, caughtUp })
      // Brought back from a mark just now: from here on it can go on.
      if (history && !checkpoint.start) await noteHistory(history)
      return caughtUp
    },

    /** What comes. `untilMay` is waited for before each page. */
    async followNews(untilMay: () => Promise<unknown>, onHead: () => void, signal: AbortSignal) {
      const after = position === undefined ? {} : { after: position }
      for await (const page of events.subscribe({ ...after, limit: pageMax, signal })) {
        if (await followed.isRetired()) break
        await untilMay()
        const underLoad = isLoad(page.events.length)
        await settle(page, gathering.take(page.events, underLoad))
        if (page.atHead) await followed.activate()
        if (page.atHead && underLoad) {
          await clock.sleep(gatherMs, signal)
          // Nothing came meanwhile that would bring it along.
          const isLast = (await events.head()) === page.checkpoint
          if (isLast && !signal.aborted) await settle(page, gathering.takeRest())
        }
        if (page.atHead) onHead()
        pageStart = page.checkpoint
      }
    },

    /** What was left out by a recovery. */
    async bringHistory(signal: AbortSignal): Promise<void> {
      if (!history || signal.aborted) return
      const fold = (groups: Groups) =>
        inTurn(() => projectGroups({ ...feeding, toTheEnd: true }, groups))
      await followHistory({ events, log, feeding, history, fold, onPage: noteHistory }, signal)
    },

    keepCheckpoint: saving.run,
  }
}

/** Follows the log for one generation at a time of each read model, on checkpoints that are held. */
export const createFollowing = (needs: FollowNeeds) => {
  const { events, documents, tallies, clock, log } = needs
  /** Timers first: while what is open is brought back, the other read models wait. */
  let timersAreBack: Promise<void> | undefined

  /** Without a mark the whole log is folded: nobody need wait for that. */
  const bringTimersBack = async (
    feeding: Projecting,
    signal: AbortSignal,
    reachedHead: Promise<void>,
  ): Promise<Point | undefined> => {
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

  const begin = async (
    { projection, generation, name, checkpoint, isActive }: Followed,
    signal: AbortSignal,
    reachedHead: Promise<void>,
  ): Promise<Begun> => {
    const { start } = checkpoint
    const collection = collectionOf(projection, generation)
    // Documents without a checkpoint are of another log, or of one that was longer.
    if (!start) {
      await checkpoint.confirm()
      await documents.drop(collection)
    }
    const counting = await tallies?.open(projection, name, collection, !start)
    const feeding = { streams: events, documents, projection, collection, clock, log, counting }
    // For what is built beside another nobody waits.
    if (start || !isActive || !projection.wholeStream) return { feeding, from: start }
    const mark = await bringTimersBack({ ...feeding, recovering: true }, signal, reachedHead)
    return { feeding, from: mark && { ...mark, history: { until: mark.position } } }
  }

  return async (followed: Followed, stop: AbortSignal): Promise<void> => {
    await using ending = new AsyncDisposableStack()
    const reachedHead = Promise.withResolvers<void>()
    // However this ends: others may wait for it.
    ending.defer(() => reachedHead.resolve())
    const begun = await begin(followed, stop, reachedHead.promise)
    if (stop.aborted) return
    const follower = createFollower(needs, followed, begun)
    if (await follower.begin()) {
      await followed.activate()
      reachedHead.resolve()
    }
    const untilMay = async (): Promise<unknown> =>
      followed.projection.wholeStream || Promise.race([timersAreBack, reachedHead.promise])
    await together(
      stop,
      (signal) => follower.followNews(untilMay, reachedHead.resolve, signal),
      // What is open comes first; nobody waits for the rest.
      async (signal) => {
        signal.addEventListener('abort', () => reachedHead.resolve())
        if (signal.aborted) return
        await reachedHead.promise
        await follower.bringHistory(signal)
      },
      follower.keepCheckpoint,
    )
  }
}
