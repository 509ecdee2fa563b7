import type { Clock } from '#ports/clock.ts'
import type { CrashPoints } from '#ports/crash-points.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import { Unavailable } from '#ports/errors.ts'
import type { EventStore, LogPage, RecordedEvent } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import { collectionOf, type Projection } from '#projections/projection.ts'
import type { Checkpoint, Checkpoints } from './checkpoints.ts'
import { createGathering, createLoadMeter, type Groups, gatherMs } from './gathering.ts'
import { projectGroups } from './project.ts'
import type { ReadModels } from './read-models.ts'
import { createRecoveries, type History, type Recovered, type Recoveries } from './recover.ts'
import { together } from './together.ts'

/** Where a read model stands. */
export interface Progress {
  readonly projection: string
  readonly generation: number
  readonly position: string | undefined
  /** Time of the newest event folded, milliseconds since the epoch. */
  readonly foldedAt: number
  readonly caughtUp: boolean
  /** After a recovery: what is not back yet. Nothing that is still to be done is among it. */
  readonly history?: History
}

export interface Projector {
  /** Follows the log for one generation of one read model until `signal` fires or it is replaced. */
  follow(projection: Projection, generation: number, signal: AbortSignal): Promise<void>
  readonly progress: readonly Progress[]
}

const pageMax = 4_000
/** A checkpoint that only passes over events of other read models is written this often. */
const saveEveryMs = 1_000
const lookEveryMs = 10_000

export const checkpointName = (projection: Projection, generation: number): string =>
  `${projection.name}@${projection.version}.${generation}`

/** The end of a page, or the place before an event of it. `undefined`: where the page began. */
const placeBefore = (
  { events }: LogPage,
  event: RecordedEvent | undefined,
  start: string | undefined,
): Omit<Checkpoint, 'logId'> | undefined => {
  const index = (event === undefined ? events.length : events.indexOf(event)) - 1
  const last = events[index]
  if (last === undefined) return undefined
  const before = events[index - 1]?.position ?? start
  const place = { position: last.position, eventId: last.id }
  return before === undefined ? place : { ...place, before }
}

/** RFC 3339 in UTC with milliseconds is ordered as text. */
const newestOf = ({ events }: LogPage): number => {
  let newest = ''
  for (const { metadata } of events) if (metadata.at > newest) newest = metadata.at
  return Date.parse(newest)
}

/** A store that does not answer now has not lost anything for that. */
const unlessUnavailable = (error: unknown): true => {
  if (error instanceof Unavailable) return true
  throw error
}

export const createProjector = (needs: {
  readonly events: EventStore
  readonly documents: DocumentStore
  readonly checkpoints: Checkpoints
  readonly readModels: ReadModels
  readonly clock: Clock
  readonly crashPoints: CrashPoints
  readonly log: Log
}): Projector => {
  const { events, documents, checkpoints, readModels, clock, crashPoints, log } = needs
  const progress = new Map<string, Progress>()
  const recoveries = createRecoveries(needs)
  /** Timers first: while what is open is brought back, the other read models wait. */
  let timersAreBack: Promise<void> | undefined

  const bringTimersBack = async (recovered: Recovered, reachedHead: Promise<void>) => {
    if (!recovered.projection.wholeStream) return undefined
    const held = Promise.withResolvers<void>()
    timersAreBack = held.promise
    let from: Awaited<ReturnType<Recoveries['begin']>>
    try {
      from = await recoveries.begin(recovered)
    } finally {
      // Without a mark the whole log is folded: nobody need wait for that.
      if (from) void reachedHead.then(held.resolve)
      else held.resolve()
    }
    return from
  }

  /** A generation that has caught up takes over from the active one. */
  const activate = async (projection: Projection, generation: number): Promise<void> => {
    const before = await readModels.generations(projection)
    if (before.building !== generation) return
    await readModels.change(projection, ({ active, retired = [] }) => ({
      active: generation,
      retired: [...retired, active],
    }))
    log.info('A read model was rebuilt.', { projection: projection.name, generation })
  }

  /** Replaced, or of a store that was emptied and knows of the first generation only. */
  const isRetired = async (projection: Projection, generation: number): Promise<boolean> => {
    const { active, building } = await readModels.generations(projection)
    return generation !== active && generation !== building
  }

  const drop = async (projection: Projection, generation: number): Promise<void> => {
    await documents.drop(collectionOf(projection, generation))
    await checkpoints.remove(checkpointName(projection, generation))
    await recoveries.forget(checkpointName(projection, generation))
    await readModels.change(projection, ({ retired = [], ...rest }) => ({
      ...rest,
      retired: retired.filter((each) => each !== generation),
    }))
  }

  return {
    get progress() {
      return [...progress.values()]
    },

    async follow(projection, generation, signal) {
      await using ending = new AsyncDisposableStack()
      const name = checkpointName(projection, generation)
      const collection = collectionOf(projection, generation)
      if (await isRetired(projection, generation)) return drop(projection, generation)
      const recovered = { projection, collection, name }
      const start = await checkpoints.load(name)
      // One that is built beside another is shown when it is whole: nobody waits for its agenda.
      const isActive = (await readModels.generations(projection)).active === generation
      const reachedHead = Promise.withResolvers<void>()
      // However this ends: others may wait for it.
      ending.defer(() => reachedHead.resolve())
      const from =
        start ?? (isActive ? await bringTimersBack(recovered, reachedHead.promise) : undefined)
      let newestAt = from ? from.newestAt : 0
      let position = from?.position
      /** Where the page began; the checkpoint may lie before it, at what is held back. */
      let pageStart = position
      let isSaved = start !== undefined
      let savedAt = clock.monotonic()
      let history = await recoveries.history(name)
      let last = { foldedAt: 0, caughtUp: false }
      const gathering = createGathering(projection)
      const isLoad = createLoadMeter(clock)
      const note = (now: typeof last) => {
        last = now
        const about = { projection: projection.name, generation, position, ...now }
        progress.set(name, history ? { ...about, history } : about)
      }

      /** Folds what was gathered, then moves the checkpoint as far as everything is folded. */
      const settle = async (page: LogPage, groups: Groups): Promise<void> => {
        await projectGroups({ streams: events, documents, projection, collection, log }, groups)
        crashPoints.reach('projected-checkpoint-not-written')
        const { firstHeld } = gathering
        const place = placeBefore(page, firstHeld, pageStart)
        if (newestAt !== undefined) newestAt = Math.max(newestAt, newestOf(page))
        // Events of other read models only: to come by them again costs next to nothing.
        const worthIt = groups.size > 0 || clock.monotonic() - savedAt >= saveEveryMs
        if (place && worthIt) {
          await checkpoints.save(name, newestAt === undefined ? place : { ...place, newestAt })
          isSaved = true
          savedAt = clock.monotonic()
        }
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
      const followHistory = async (signal: AbortSignal): Promise<void> => {
        if (signal.aborted) return
        signal.addEventListener('abort', () => reachedHead.resolve())
        await reachedHead.promise
        await recoveries.followHistory(recovered, signal, (missing) => {
          history = missing
          note(last)
        })
      }

      /** A store that was emptied says nothing by itself, and at the head of a quiet log nobody writes. */
      const watchCheckpoint = async (signal: AbortSignal): Promise<void> => {
        while (!signal.aborted) {
          await clock.sleep(lookEveryMs, signal)
          if (!isSaved || signal.aborted) continue
          const isThere = await checkpoints.exists(name).catch(unlessUnavailable)
          if (!isThere) throw new Error(`The checkpoint ${name} is gone.`)
        }
      }

      const atHead = (await events.head()) === position
      note({ foldedAt: 0, caughtUp: atHead })
      if (atHead) {
        await activate(projection, generation)
        reachedHead.resolve()
      }
      await together(signal, followNews, followHistory, watchCheckpoint)
      progress.delete(name)
      if (await isRetired(projection, generation)) await drop(projection, generation)
    },
  }
}
