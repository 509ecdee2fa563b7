import { createAggregates } from '#handlers/aggregates.ts'
import { createApps } from '#handlers/apps.ts'
import { createCheckpoints } from '#handlers/checkpoints.ts'
import { createNotifications } from '#handlers/notifications.ts'
import { checkpointName, createProgressBoard } from '#handlers/progress.ts'
import { createProjector } from '#handlers/projector.ts'
import { createReadModels } from '#handlers/read-models.ts'
import { createRecorder } from '#handlers/recorder.ts'
import { shareLog } from '#handlers/shared-log.ts'
import { createTallies } from '#handlers/tally.ts'
import type { Clock } from '#ports/clock.ts'
import type { CrashPoints } from '#ports/crash-points.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { KeyHash } from '#ports/key-hash.ts'
import type { Log } from '#ports/log.ts'
import type { Random } from '#ports/random.ts'
import type { StoreTime } from '#ports/store-time.ts'
import { allProjections } from '#projections/all.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import type { Projection } from '#projections/projection.ts'

/** A caller who waits is told after this long that the log does not answer. */
const commandWaitMs = 5_000

/** What the service stands on; which adapters these are is decided elsewhere. */
export interface Ground {
  readonly events: EventStore
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly crashPoints: CrashPoints
  readonly keyHash: KeyHash
  /** Fires when the stores are about to be closed: nobody waits for them any longer. */
  readonly closing: AbortSignal
  /** No other process uses these stores, and none can: roles need no leases, credentials are not shared. */
  readonly exclusive?: boolean
  /** What the clocks of several processes are compared with. */
  readonly storeTime?: StoreTime
}

/** All that needs no more than the stores. Nothing moves by itself yet. */
export const createCore = (ground: Ground) => {
  const { events, documents, clock, random, log, crashPoints, keyHash, closing } = ground
  const patience = { signal: closing }
  const commandPatience = { signal: closing, waitMaxMs: commandWaitMs }
  const readModels = createReadModels({ documents, clock })
  const aggregates = createAggregates({ events, keyHash, clock })
  const recorder = createRecorder({ events, clock, random, log })
  const checkpoints = createCheckpoints({ events, documents, log })
  const counted = notificationsProjection as unknown as Projection
  const tallies = createTallies({ documents, readModels, log, counted, nameOf: checkpointName })
  // What one process has alone lies in its own memory: reading it again costs next to nothing.
  const readOnce = () => (ground.exclusive ? events : shareLog(events, clock))
  const projector = createProjector({
    events: readOnce(),
    ...{ documents, checkpoints, readModels, tallies, clock, crashPoints, log },
  })
  return {
    ...ground,
    /** The log for those who tell others of it; not that of the read models, whose pace is another. */
    toldEvents: readOnce(),
    readModels,
    aggregates,
    recorder,
    checkpoints,
    tallies,
    patience,
    commandPatience,
    /** For what must be recorded, however long it takes. */
    notifications: createNotifications({ events, recorder, patience }),
    /** For somebody who waits for an answer. */
    commandNotifications: createNotifications({ events, recorder, patience: commandPatience }),
    apps: createApps({ aggregates, recorder, keyHash, random, patience: commandPatience }),
    projector,
    board: createProgressBoard({
      projections: allProjections,
      own: () => projector.progress,
      ...{ events, checkpoints, readModels, clock },
    }),
  }
}

export type Core = ReturnType<typeof createCore>
