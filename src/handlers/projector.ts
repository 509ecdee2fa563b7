import type { Clock } from '#ports/clock.ts'
import type { CrashPoints } from '#ports/crash-points.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import type { EventStore, LogPage, RecordedEvent } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import { collectionOf, type Projection } from '#projections/projection.ts'
import type { Checkpoint, Checkpoints } from './checkpoints.ts'
import { createGathering, createLoadMeter, type Groups, gatherMs } from './gathering.ts'
import { projectGroups } from './project.ts'
import type { ReadModels } from './read-models.ts'
import type { Tallies } from './tally.ts'

/** Where a read model stands. */
export interface Progress {
  readonly projection: string
  readonly generation: number
  readonly position: string | undefined
  /** Time of the newest event folded, milliseconds since the epoch. */
  readonly foldedAt: number
  readonly caughtUp: boolean
}

export interface Projector {
  /** Follows the log for one generation of one read model until `signal` fires or it is replaced. */
  follow(projection: Projection, generation: number, signal: AbortSignal): Promise<void>
  readonly progress: readonly Progress[]
}

const pageMax = 4_000
/** A checkpoint that only passes over events of other read models is written this often. */
const saveEveryMs = 1_000

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
    await readModels.change(projection, ({ active, retired = [] }) => ({
      active: generation,
      retired: [...retired, active],
    }))
    log.info('A read model was rebuilt.', { projection: projection.name, generation })
  }

  const isRetired = async (projection: Projection, generation: number): Promise<boolean> =>
    (await readModels.generations(projection)).retired?.includes(generation) ?? false

  const drop = async (projection: Projection, generation: number): Promise<void> => {
    await documents.drop(collectionOf(projection, generation))
    await checkpoints.remove(checkpointName(projection, generation))
    await needs.tallies?.remove(checkpointName(projection, generation))
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
      const name = checkpointName(projection, generation)
      const collection = collectionOf(projection, generation)
      if (await isRetired(projection, generation)) return drop(projection, generation)
      const gathering = createGathering(projection)
      const counting = await needs.tallies?.open(projection, name, collection)
      const isLoad = createLoadMeter(clock)
      const start = await checkpoints.load(name)
      let position = start?.position
      /** Where the page began; the checkpoint may lie before it, at what is held back. */
      let pageStart = position
      let savedAt = clock.monotonic()
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
        const worthIt = groups.size > 0 || clock.monotonic() - savedAt >= saveEveryMs
        if (place && worthIt) {
          await checkpoints.save(name, place)
          savedAt = clock.monotonic()
        }
        position = place?.position ?? position
        note(Date.parse(page.events.at(-1)!.metadata.at), page.atHead && firstHeld === undefined)
      }

      const atHead = (await events.head()) === position
      note(0, atHead)
      if (atHead) await activate(projection, generation)
      const after = position === undefined ? {} : { after: position }
      for await (const page of events.subscribe({ ...after, limit: pageMax, signal })) {
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
      progress.delete(name)
      if (await isRetired(projection, generation)) await drop(projection, generation)
    },
  }
}
