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
  /**
   * Of what it has to follow: also of one that failed, as it was last, until it is started again. Only to be
   * watched: what a read model holds after a failure is known by its checkpoint alone.
   */
  readonly lastProgress: readonly Progress[]
}

/** Readers believe this long that a generation is the active one, and a bit more to end their query. */
const dropAfterMs = 3_000

export const createProjector = (
  needs: FollowNeeds & { readonly checkpoints: Checkpoints; readonly readModels: ReadModels },
): Projector => {
  const { documents, checkpoints, readModels, clock, log } = needs
  const follow = createFollowing(needs)
  const progress = new Map<string, Progress>()
  const last = new Map<string, { readonly about: Progress; readonly signal: AbortSignal }>()

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

    get lastProgress() {
      return [...last.values()].filter(({ signal }) => !signal.aborted).map(({ about }) => about)
    },

    async follow(projection, generation, tenure, stop) {
      const name = checkpointName(projection, generation)
      if (await isRetired(projection, generation)) {
        last.delete(name)
        return drop(projection, generation, tenure)
      }
      const checkpoint = await checkpoints.claim(name, tenure)
      const signal = stop ? AbortSignal.any([tenure.signal, stop]) : tenure.signal
      try {
        const { active } = await readModels.generations(projection)
        await follow(
          {
            ...{ projection, generation, name, checkpoint, isActive: active === generation },
            isRetired: () => isRetired(projection, generation),
            activate: () => activate(projection, generation),
            note: (about) => {
              progress.set(name, about)
              last.set(name, { about, signal })
            },
          },
          signal,
        )
        last.delete(name)
      } finally {
        progress.delete(name)
      }
      if (signal.aborted) return
      if (await isRetired(projection, generation)) await drop(projection, generation, tenure)
    },
  }
}
