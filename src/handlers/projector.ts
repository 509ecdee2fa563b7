import type { Clock } from '#ports/clock.ts'
import type { CrashPoints } from '#ports/crash-points.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import type { EventStore, LogPage } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import { collectionOf, type Projection } from '#projections/projection.ts'
import type { Checkpoints } from './checkpoints.ts'
import { project } from './project.ts'
import type { ReadModels } from './read-models.ts'

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
/** Under load events are gathered this long, so that those of one notification become one write. */
const gatherMs = 100
const loadMin = 200

export const checkpointName = (projection: Projection, generation: number): string =>
  `${projection.name}@${projection.version}.${generation}`

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
      const start = await checkpoints.load(name)
      let position = start?.position
      const note = (page?: LogPage) => {
        const last = page?.events.at(-1)
        const foldedAt = last ? Date.parse(last.metadata.at) : 0
        const caughtUp = page?.atHead ?? false
        progress.set(name, {
          projection: projection.name,
          generation,
          position,
          foldedAt,
          caughtUp,
        })
      }
      note()
      if ((await events.head()) === position) {
        progress.set(name, { ...progress.get(name)!, caughtUp: true })
        await activate(projection, generation)
      }
      const after = position === undefined ? {} : { after: position }
      for await (const page of events.subscribe({ ...after, limit: pageMax, signal })) {
        if (await isRetired(projection, generation)) break
        await project({ documents, projection, collection, events: page.events, log })
        crashPoints.reach('projected-checkpoint-not-written')
        const last = page.events.at(-1)!
        const before = page.events.at(-2)?.position ?? position
        const place = { position: page.checkpoint, eventId: last.id }
        await checkpoints.save(name, before === undefined ? place : { ...place, before })
        position = page.checkpoint
        note(page)
        if (page.atHead) await activate(projection, generation)
        if (page.atHead && page.events.length >= loadMin) await clock.sleep(gatherMs, signal)
      }
      progress.delete(name)
      if (await isRetired(projection, generation)) await drop(projection, generation)
    },
  }
}
