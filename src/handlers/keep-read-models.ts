import type { Clock } from '#ports/clock.ts'
import type { Projection } from '#projections/projection.ts'
import type { Tenure } from './hold-lease.ts'
import type { Projector } from './projector.ts'
import type { ReadModels } from './read-models.ts'

/** A rebuild that somebody orders anywhere begins within this time. */
const lookEveryMs = 1_000

/** Runs something again and again until it returns; never rejects. */
export type Supervise = (
  name: string,
  signal: AbortSignal,
  run: () => Promise<void>,
) => Promise<void>

/** Follows the log for every generation of every read model that there is, for as long as the tenure lasts. */
export const keepReadModels = async (needs: {
  readonly projections: readonly Projection[]
  readonly readModels: ReadModels
  readonly projector: Projector
  readonly clock: Clock
  readonly supervise: Supervise
  readonly tenure: Tenure
}): Promise<void> => {
  const { projections, readModels, projector, clock, supervise, tenure } = needs
  interface Follower {
    readonly stop: AbortController
    readonly ended: Promise<void>
  }
  const followers = new Map<string, Follower>()

  const follow = (name: string, projection: Projection, generation: number): void => {
    const stop = new AbortController()
    const signal = AbortSignal.any([tenure.signal, stop.signal])
    const ended = supervise(`projector ${name}`, signal, () =>
      projector.follow(projection, generation, tenure, stop.signal),
    ).finally(() => followers.delete(name))
    followers.set(name, { stop, ended })
  }

  const look = async (): Promise<void> => {
    const wanted = new Set<string>()
    for (const projection of projections) {
      const { active, building, retired = [] } = await readModels.generations(projection)
      const generations = building === undefined ? [active] : [active, building]
      for (const generation of [...generations, ...retired]) {
        const name = `${projection.name}.${generation}`
        wanted.add(name)
        if (!followers.has(name)) follow(name, projection, generation)
      }
    }
    // Of a store that was dropped nobody knows any more which generation was asked.
    for (const [name, { stop }] of followers) if (!wanted.has(name)) stop.abort()
  }

  await supervise('projectors', tenure.signal, async () => {
    while (!tenure.signal.aborted) {
      await look()
      await clock.sleep(lookEveryMs, tenure.signal)
    }
  })
  await Promise.all([...followers.values()].map(({ ended }) => ended))
}
