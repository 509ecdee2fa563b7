import { checkpointName, type Progress } from '#handlers/projector.ts'
import type { Generations } from '#handlers/read-models.ts'
import { Unavailable } from '#ports/errors.ts'
import type { Projection } from '#projections/projection.ts'
import type { Base } from './base.ts'

const pageMax = 1_000
/** A read model that is further behind is not waited for. */
const tailPagesMax = 20
const waitMaxMs = 10_000
const lookEveryMs = 100

type Stand = Pick<Progress, 'generation' | 'position' | 'caughtUp'>

/**
 * How far read models are, for whoever is not the process that keeps them. Where nobody keeps them (embedded,
 * without a service) `catchUp` does it itself, once; in a cluster it waits for the one that does.
 */
export const createFollowing = (core: Base) => {
  const { events, checkpoints, readModels, projector, clock } = core

  /** By its checkpoint. That one may rest before events of other read models: those are no lag. */
  const storedStand = async (projection: Projection, generation: number): Promise<Stand> => {
    const checkpoint = await checkpoints.load(checkpointName(projection, generation))
    const position = checkpoint?.position
    let after = position
    for (let pages = 0; pages < tailPagesMax; pages += 1) {
      const page = await events.readAll({ limit: pageMax, ...(after !== undefined && { after }) })
      if (page.events.some((event) => projection.idOf(event) !== undefined)) break
      if (page.atHead) return { generation, position, caughtUp: true }
      after = page.checkpoint
    }
    return { generation, position, caughtUp: false }
  }

  const wait = async (projection: Projection): Promise<void> => {
    for (let waitedMs = 0; waitedMs < waitMaxMs; waitedMs += lookEveryMs) {
      const { active } = await readModels.generations(projection)
      if ((await storedStand(projection, active)).caughtUp) return
      await clock.sleep(lookEveryMs)
    }
    throw new Unavailable(
      'projection/behind',
      `The read model ${projection.name} is behind the log; does a process with the role projector run?`,
    )
  }

  const project = async (projection: Projection): Promise<void> => {
    const { active } = await readModels.generations(projection)
    const enough = new AbortController()
    const following = projector.follow(projection, active, enough.signal)
    const isCaughtUp = () =>
      projector.progress.some(
        (each) =>
          each.projection === projection.name && each.generation === active && each.caughtUp,
      )
    while (!isCaughtUp()) await clock.sleep(10)
    enough.abort()
    await following
  }

  return {
    catchUp: core.kind === 'cluster' ? wait : project,
    /** Of the generations in use: as this process knows them, in a cluster as the stores tell it. */
    async progressOf(projection: Projection, generations: Generations): Promise<readonly Stand[]> {
      if (core.kind === 'embedded') {
        return projector.progress.filter((each) => each.projection === projection.name)
      }
      const { active, building } = generations
      const stands: Stand[] = []
      for (const generation of [active, building]) {
        if (generation !== undefined) stands.push(await storedStand(projection, generation))
      }
      return stands
    },
  }
}
