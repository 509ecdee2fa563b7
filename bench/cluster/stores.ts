import { openEventStoreDb } from '#adapters/eventstoredb/event-store-db.ts'
import { openMongoDocumentStore } from '#adapters/mongodb/mongo-document-store.ts'
import { connectNats } from '#adapters/nats/connecting.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { createSystemRandom } from '#adapters/system/system-random.ts'
import { createCheckpoints } from '#handlers/checkpoints.ts'
import { checkpointName } from '#handlers/progress.ts'
import { createReadModels } from '#handlers/read-models.ts'
import { createTallies } from '#handlers/tally.ts'
import type { Log } from '#ports/log.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import type { Projection } from '#projections/projection.ts'
import type { Cluster } from '../../deploy/cluster/start-cluster.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
const workStream = 'PABAL_WORK'
const feedStream = 'PABAL_EVENTS'

/** The bench's own eyes on the three servers, without a service in between. */
export const openStores = async ({ eventStore, nats, mongodb }: Cluster['servers']) => {
  await using opening = new AsyncDisposableStack()
  const clock = createSystemClock()
  const around = { clock, random: createSystemRandom(), log: silent }
  const events = opening.use(
    await openEventStoreDb({ url: eventStore.url, append: 'classic', ...around }),
  )
  const documents = opening.use(await openMongoDocumentStore({ url: mongodb.url, ...around }))
  const { connection } = await connectNats({ url: nats.url, name: 'pabal bench' })
  opening.defer(() => connection.close())
  const manager = await connection.jetstreamManager({ checkAPI: false })
  const lastOf = async (stream: string): Promise<number> =>
    (await manager.streams.info(stream)).state.last_seq
  const checkpoints = createCheckpoints({ events, documents, log: silent })
  const tallies = createTallies({
    ...{ documents, readModels: createReadModels({ documents, clock }), log: silent },
    counted: notificationsProjection as unknown as Projection,
    nameOf: checkpointName,
  })
  const opened = opening.move()
  return {
    events,
    /** Items ever published to the lanes. */
    published: () => lastOf(workStream),
    /** Events ever told to other services. */
    told: () => lastOf(feedStream),
    forgetWork: async (): Promise<void> => {
      await manager.streams.purge(workStream)
    },
    /** Notifications in their read model, as far as it counts them. */
    counted: async (): Promise<number> => (await tallies.read())?.accepted ?? 0,
    /** Whether all these followers have kept a place: from then on they go on where they were. */
    isKept: async (names: readonly string[]): Promise<boolean> =>
      (await checkpoints.peek(names)).size === names.length,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

export type Stores = Awaited<ReturnType<typeof openStores>>
