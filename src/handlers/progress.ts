import type { Clock } from '#ports/clock.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { Projection } from '#projections/projection.ts'
import type { Checkpoints, History } from './checkpoints.ts'
import type { ReadModels } from './read-models.ts'

/** Where a read model stands. */
export interface Progress {
  readonly projection: string
  readonly generation: number
  readonly position: string | undefined
  /** Time of the newest event folded, milliseconds since the epoch; 0: none that is known. */
  readonly foldedAt: number
  readonly caughtUp: boolean
  /** After a recovery: what is not back yet. Nothing that is still to be done is among it. */
  readonly history?: History
}

export const checkpointName = (
  { name, version }: Pick<Projection, 'name' | 'version'>,
  generation: number,
): string => `${name}@${version}.${generation}`

export interface ProgressBoard {
  /** All generations of all read models, whoever follows the log for them. */
  readonly progress: readonly Progress[]
  /**
   * Up to what moment the active generation surely holds all that was recorded, milliseconds since the
   * epoch. `undefined`: nothing is known yet.
   */
  heldUntil(projection: Projection): number | undefined
  /** Reads how far the others have come, unless this process follows for itself. Throws `Unavailable`. */
  look(): Promise<void>
}

interface Looked {
  readonly at: number
  readonly progress: readonly Progress[]
}

/** Joins what this process's own projector knows with what the checkpoints of others say. */
export const createProgressBoard = (needs: {
  readonly projections: readonly Projection[]
  readonly own: () => readonly Progress[]
  readonly events: Pick<EventStore, 'head' | 'comparePositions'>
  readonly checkpoints: Pick<Checkpoints, 'peek'>
  readonly readModels: ReadModels
  readonly clock: Clock
}): ProgressBoard => {
  const { projections, own, events, checkpoints, readModels, clock } = needs
  let looked: Looked | undefined

  const generationsOf = async (projection: Projection): Promise<readonly number[]> => {
    const { active, building } = await readModels.generations(projection)
    return building === undefined ? [active] : [active, building]
  }

  const readAll = async (): Promise<Looked> => {
    // What is recorded after this moment may be missing, what was before is told by the head.
    const at = clock.now()
    const head = await events.head()
    const all: { projection: Projection; generation: number }[] = []
    for (const projection of projections) {
      for (const generation of await generationsOf(projection)) all.push({ projection, generation })
    }
    const nameOf = (each: (typeof all)[number]) => checkpointName(each.projection, each.generation)
    const found = await checkpoints.peek(all.map(nameOf))
    const progress = all.map((each) => {
      const checkpoint = found.get(nameOf(each))
      const position = checkpoint?.position
      const caughtUp =
        head === undefined ||
        (position !== undefined && events.comparePositions(position, head) >= 0)
      const { generation } = each
      const foldedAt = checkpoint?.at ?? 0
      const about = { projection: each.projection.name, generation, position, foldedAt, caughtUp }
      return checkpoint?.history ? { ...about, history: checkpoint.history } : about
    })
    return { at, progress }
  }

  return {
    get progress() {
      const mine = own()
      const isMine = (each: Progress) =>
        mine.some((one) => one.projection === each.projection && one.generation === each.generation)
      const others = looked?.progress.filter((each) => !isMine(each)) ?? []
      return [...mine, ...others]
    },
    heldUntil({ name }) {
      const mine = own().find((each) => each.projection === name)
      if (mine) return mine.caughtUp ? clock.now() : mine.foldedAt
      const theirs = looked?.progress.find((each) => each.projection === name)
      if (!looked || !theirs) return undefined
      return theirs.caughtUp ? looked.at : theirs.foldedAt
    },
    async look() {
      const mine = new Set(own().map((each) => each.projection))
      if (projections.every(({ name }) => mine.has(name))) looked = undefined
      else looked = await readAll()
    },
  }
}
