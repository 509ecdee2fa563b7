import { Unavailable } from '#ports/errors.ts'
import type { Projection } from '#projections/projection.ts'
import type { Base } from './base.ts'

const waitMaxMs = 10_000
const lookEveryMs = 100

/**
 * Brings a read model up to date for a command. Alone on its stores, this process does it itself, once; in a
 * cluster it waits for the one that keeps the read models, and throws `Unavailable` when nobody seems to.
 */
export const createCatchUp = (core: Base) => {
  const { board, clock, projector, random, readModels } = core

  const waitFor = async (done: (projection: Projection) => boolean, projection: Projection) => {
    for (let waitedMs = 0; !done(projection); waitedMs += lookEveryMs) {
      if (waitedMs >= waitMaxMs) {
        throw new Unavailable(
          'projection/behind',
          `The read model ${projection.name} is behind the log; does a process with the role projector run?`,
        )
      }
      await clock.sleep(lookEveryMs)
      await board.look()
    }
  }

  const hasCaughtUp = (active: number) => (projection: Projection) =>
    board.progress.some(
      (each) => each.projection === projection.name && each.generation === active && each.caughtUp,
    )

  return async (projection: Projection): Promise<void> => {
    const { active } = await readModels.generations(projection)
    if (!core.exclusive) {
      await board.look()
      return waitFor(hasCaughtUp(active), projection)
    }
    const enough = new AbortController()
    const tenure = { token: random.uuid(), signal: enough.signal, confirmed: async () => true }
    const following = projector.follow(projection, active, tenure)
    const isCaughtUp = hasCaughtUp(active)
    while (!isCaughtUp(projection)) await clock.sleep(10)
    enough.abort()
    await following
  }
}
