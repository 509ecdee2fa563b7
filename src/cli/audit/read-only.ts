import { createPinoLog } from '#adapters/pino/pino-log.ts'
import { openSqliteDocumentStore } from '#adapters/sqlite/sqlite-document-store.ts'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import type { Clock } from '#ports/clock.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import type { EventStore } from '#ports/event-store.ts'
import { pathsOf } from '../../app/embedded.ts'
import { type ClusterConfig, type Config, isCluster } from '../../config.ts'

/** Log and read models to look at, beside running services or without one. */
export interface ReadOnly extends AsyncDisposable {
  readonly events: EventStore
  readonly documents: DocumentStore
  readonly clock: Clock
}

/** Of a data directory. Nothing can be written. */
export const openReadOnly = async (dataDir: string): Promise<ReadOnly> => {
  await using opening = new AsyncDisposableStack()
  const paths = pathsOf(dataDir)
  const clock = createSystemClock()
  const events = opening.use(
    await openSqliteEventStore({ path: paths.events, mode: 'read-only', clock }),
  )
  const documents = opening.use(
    await openSqliteDocumentStore({ path: paths.documents, mode: 'read-only', clock }),
  )
  const opened = opening.move()
  return { events, documents, clock, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

const refuse = async (): Promise<never> => {
  throw new Error('Opened to look only: nothing is written here.')
}

/** Of a cluster, whose servers would take writes: they are cut off here. */
const openServers = async (config: ClusterConfig): Promise<ReadOnly> => {
  const { openClusterDocuments, openClusterLog } = await import('../../app/cluster.ts')
  await using opening = new AsyncDisposableStack()
  const around = { clock: createSystemClock(), log: createPinoLog('warn') }
  const events = opening.use(await openClusterLog(config, around))
  const documents = opening.use(await openClusterDocuments(config, around))
  const opened = opening.move()
  return {
    events: Object.create(events, { append: { value: refuse } }),
    documents: Object.create(documents, {
      write: { value: refuse },
      sweep: { value: refuse },
      drop: { value: refuse },
    }),
    clock: around.clock,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** What the settings name. */
export const openToLook = (config: Config): Promise<ReadOnly> =>
  isCluster(config) ? openServers(config) : openReadOnly(config.dataDir)
