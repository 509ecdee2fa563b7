import { createPinoLog } from '#adapters/pino/pino-log.ts'
import { createSystemRandom } from '#adapters/system/system-random.ts'
import { checkpointName } from '#handlers/progress.ts'
import { createReadModels } from '#handlers/read-models.ts'
import { createTallies } from '#handlers/tally.ts'
import type { Clock } from '#ports/clock.ts'
import type { CollectionDeclaration } from '#ports/document-store.ts'
import { StartRefused, Unavailable } from '#ports/errors.ts'
import { allProjections } from '#projections/all.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import type { Projection } from '#projections/projection.ts'

/** What the read models tell about themselves and about the log. */
export interface Stored {
  /** Of each read model the one that is asked, which is another one after a rebuild. */
  readonly collections: readonly CollectionDeclaration[]
  /** All that were ever accepted; absent: not counted yet. */
  readonly notifications?: number
}

/** Only reads. `undefined`: they cannot be read, which the examination of their server explains. */
export const readStored = async (url: string, clock: Clock): Promise<Stored | undefined> => {
  const { openMongoDocumentStore } = await import('#adapters/mongodb/mongo-document-store.ts')
  // What the store logs, the doctor says as a finding.
  const around = { clock, random: createSystemRandom(), log: createPinoLog('silent') }
  try {
    await using documents = await openMongoDocumentStore({ url, ...around })
    const readModels = createReadModels({ documents, clock })
    const counted = notificationsProjection as unknown as Projection
    const needs = { documents, readModels, log: around.log, counted, nameOf: checkpointName }
    const tally = await createTallies(needs).read()
    const collections = await Promise.all(allProjections.map((each) => readModels.active(each)))
    return { collections, ...(tally && { notifications: tally.accepted }) }
  } catch (error) {
    if (error instanceof StartRefused || error instanceof Unavailable) return undefined
    throw error
  }
}
