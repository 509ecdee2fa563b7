import { collectionOf, type Projection } from '#projections/projection.ts'
import type { Checkpoints } from './checkpoints.ts'
import { createFollowing, type FollowNeeds } from './follow-read-model.ts'
import type { Tenure } from './hold-lease.ts'
import { checkpointName, type Progress } from './progress.ts'
import type { ReadModels } from './read-models.ts'

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

/** Readers believe this long that a generation is the active one, and a bit more to end their query. */
const dropAfterMs = 3_000

export const createProjector = (
  needs: FollowNeeds & { readonly checkpoints: Checkpoints; readonly readModels: ReadModels },
): Projector => {
  const { documents, checkpoints, readModels, clock, log } = needs
  const follow = createFollowing(needs)
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
        const { active } = await readModels.generations(projection)
        await follow(
          {
            ...{ projection, generation, name, checkpoint, isActive: active === generation },
            isRetired: () => isRetired(projection, generation),
            activate: () => activate(projection, generation),
            note: (about) => void progress.set(name, about),
          },
          signal,
        )
      } finally {
        progress.delete(name)
      }
      if (signal.aborted) return
      if (await isRetired(projection, generation)) await drop(projection, generation, tenure)
    },
  }
}
