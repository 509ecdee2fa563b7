import { createPinoLog } from '#adapters/pino/pino-log.ts'
import { createHmacKeyHash } from '#adapters/system/hmac-key-hash.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { createSystemRandom } from '#adapters/system/system-random.ts'
import { unarmedCrashPoints } from '#adapters/system/unarmed-crash-points.ts'
import { refuseUnfitLog } from '#handlers/log-standing.ts'
import type { Clock } from '#ports/clock.ts'
import type { DisposableDocumentStore } from '#ports/document-store.ts'
import { StartRefused } from '#ports/errors.ts'
import type { DisposableEventFeed } from '#ports/event-feed.ts'
import type { DisposableEventStore } from '#ports/event-store.ts'
import type { Finding } from '#ports/finding.ts'
import type { Log } from '#ports/log.ts'
import type { StoreTime } from '#ports/store-time.ts'
import type { DisposableWorkQueue } from '#ports/work-queue.ts'
import type { ClusterConfig } from '../config.ts'
import type { Around, Base } from './base.ts'
import { createCore } from './core.ts'
import { inspectCluster } from './inspect-cluster.ts'
import { natsOptionsOf } from './nats-options.ts'
import { watchAppends } from './watch-appends.ts'

interface Surroundings {
  readonly clock: Clock
  readonly log: Log
}

/** The drivers are loaded only where they are used: together they take 20 MB. */
export const openClusterLog = async (
  config: ClusterConfig,
  around: Surroundings,
): Promise<DisposableEventStore> => {
  const { openEventStoreDb } = await import('#adapters/eventstoredb/event-store-db.ts')
  const { eventstoreUrl, eventstoreAppend } = config
  return openEventStoreDb({
    url: eventstoreUrl.reveal(),
    append: eventstoreAppend as 'classic' | 'batch',
    random: createSystemRandom(),
    ...around,
  })
}

export const openClusterDocuments = async (
  config: ClusterConfig,
  around: Surroundings,
): Promise<DisposableDocumentStore & StoreTime> => {
  const { openMongoDocumentStore } = await import('#adapters/mongodb/mongo-document-store.ts')
  return openMongoDocumentStore({
    url: config.mongodbUrl.reveal(),
    random: createSystemRandom(),
    ...around,
  })
}

const openClusterQueue = async (
  config: ClusterConfig,
  around: Surroundings & { readonly onError: (error: unknown) => void },
): Promise<DisposableWorkQueue> => {
  const { openNatsWorkQueue } = await import('#adapters/nats/nats-work-queue.ts')
  return openNatsWorkQueue({ ...natsOptionsOf(config), ...around })
}

const openClusterFeed = async (
  config: ClusterConfig,
  around: Surroundings,
): Promise<DisposableEventFeed> => {
  const { openNatsEventFeed } = await import('#adapters/nats/nats-event-feed.ts')
  return openNatsEventFeed({ ...natsOptionsOf(config), ...around })
}

/** Everything that is wrong at once: nobody wants to learn it one start at a time. */
const refuseWhatIsWrong = (findings: readonly Finding[], log: Log): void => {
  for (const { level, code, message, subject } of findings) {
    if (level === 'warning')
      log.warn('A server of the cluster is not as it should be.', { subject, code, says: message })
  }
  const wrong = findings.filter(({ level }) => level === 'wrong')
  if (wrong.length === 0) return
  const lines = wrong.map(({ code, message }) => `  - ${message} [${code}]`)
  throw new StartRefused(
    'start/cluster',
    `The service cannot start on these servers:\n${lines.join('\n')}\n./pabal doctor looks again.`,
  )
}

/** The three servers and the core on top of them. For a service they are examined first. */
export const openCluster = async (
  config: ClusterConfig,
  around: Around,
  purpose: 'service' | 'order',
): Promise<Base> => {
  await using opening = new AsyncDisposableStack()
  const clock = createSystemClock()
  const log = around.log ?? createPinoLog(config.logLevel)
  if (purpose === 'service') refuseWhatIsWrong(await inspectCluster(config, clock), log)
  const events = opening.use(await openClusterLog(config, { clock, log }))
  await refuseUnfitLog(events)
  const documents = opening.use(await openClusterDocuments(config, { clock, log }))
  const watched = watchAppends(around.events?.(events) ?? events, clock)
  const closing = new AbortController()
  opening.defer(() => closing.abort())
  const core = createCore({
    events: watched.events,
    documents: around.documents?.(documents) ?? documents,
    clock,
    random: createSystemRandom(),
    log,
    crashPoints: around.crashPoints ?? unarmedCrashPoints,
    keyHash: createHmacKeyHash(config.secret),
    closing: closing.signal,
    storeTime: documents,
  })
  const opened = opening.move()
  return {
    ...core,
    lastAppendFailure: watched.lastFailure,
    async openQueue(onError) {
      const queue = await openClusterQueue(config, { clock, log, onError })
      return around.queue?.(queue) ?? queue
    },
    openFeed: () => openClusterFeed(config, { clock, log }),
    async backup() {
      throw new StartRefused(
        'backup/cluster',
        'In a cluster the log is backed up with the tools of EventStoreDB; see docs/operations.md.',
      )
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
