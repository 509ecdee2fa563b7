import { Unavailable } from '#ports/errors.ts'
import type { Projection } from '#projections/projection.ts'
import type { Base } from './base.ts'

const waitMaxMs = 20_000
const lookEveryMs = 100

/**
 * Brings a read model up to date for a command: to where the log ended when it was called, for in a busy one the end
 * is never reached. Alone on its stores, this process does it itself, once; in a cluster it waits for the one that
 * keeps the read models, and throws `Unavailable` when nobody seems to.
 */
export const createCatchUp = (core: Base) => {
  const { board, clock, events, projector, random, readModels } = core

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

  const hasReached = (active: number, head: string | undefined) => (projection: Projection) =>
    board.progress.some(({ projection: name, generation, caughtUp, position }) => {
      if (name !== projection.name || generation !== active) return false
      if (caughtUp || head === undefined) return true
      return position !== undefined && events.comparePositions(position, head) >= 0
    })

  return async (projection: Projection): Promise<void> => {
    const { active } = await readModels.generations(projection)
    const isReached = hasReached(active, await events.head())
    if (!core.exclusive) {
      await board.look()
      return waitFor(isReached, projection)
    }
    const enough = new AbortController()
    const tenure = { token: random.uuid(), signal: enough.signal, confirmed: async () => true }
    const following = projector.follow(projection, active, tenure)
    while (!isReached(projection)) await clock.sleep(10)
    enough.abort()
    await following
  }
}
