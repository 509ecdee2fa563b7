import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { project } from '#handlers/project.ts'
import type { Log } from '#ports/log.ts'
import { allProjections } from '#projections/all.ts'
import { collectionOf } from '#projections/projection.ts'
import { perSecond } from './figures.ts'

const pageMax = 4_000
/** More documents than these events make do not fit into a bench's memory. */
const eventsMax = 1_000_000

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** Reads a log from its beginning and folds it through all projections into memory. */
export const replay = async (
  path: string,
): Promise<{ readonly events: number; readonly perSecond: number }> => {
  await using store = await openSqliteEventStore({ path, mode: 'read-only' })
  await using documents = createMemoryDocumentStore()
  const collections = allProjections.map((projection) => ({
    projection,
    collection: collectionOf(projection, 0),
  }))
  const start = performance.now()
  let events = 0
  let after: string | undefined
  while (events < eventsMax) {
    const page = await store.readAll({ limit: pageMax, ...(after !== undefined && { after }) })
    for (const each of collections) {
      await project({ documents, ...each, events: page.events, log: silent })
    }
    events += page.events.length
    after = page.checkpoint
    if (page.atHead) break
  }
  return { events, perSecond: perSecond(events, performance.now() - start) }
}
