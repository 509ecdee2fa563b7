import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { groupById } from '#handlers/gathering.ts'
import { foldDocument } from '#handlers/project.ts'
import type { StoredDocument } from '#ports/document-store.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import { allProjections } from '#projections/all.ts'
import type { Projection } from '#projections/projection.ts'
import { perSecond } from './figures.ts'

const pageMax = 500
/** The documents of more events than these do not fit into the memory of a bench. */
const eventsMax = 2_000_000

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** The read model of one projection, folded as the projector folds it, and kept nowhere but here. */
const createReadModel = (projection: Projection) => {
  const documents = new Map<string, StoredDocument>()
  return {
    documents,
    take(events: readonly RecordedEvent[]): void {
      for (const [id, group] of groupById(projection, events)) {
        const change = foldDocument(projection, id, documents.get(id), group, silent)
        if (change && change.do !== 'delete') documents.set(id, change.document)
      }
    },
  }
}

export interface Replayed {
  readonly events: number
  readonly documents: number
  readonly perSecond: number
}

/** Reads a log from its beginning and folds it through all projections into memory. */
export const replayLog = async (store: EventStore): Promise<Replayed> => {
  const models = allProjections.map(createReadModel)
  const start = performance.now()
  let events = 0
  let after: string | undefined
  while (events < eventsMax) {
    const page = await store.readAll({ limit: pageMax, ...(after !== undefined && { after }) })
    for (const model of models) model.take(page.events)
    events += page.events.length
    after = page.checkpoint
    if (page.atHead) break
  }
  const ms = performance.now() - start
  const documents = models.reduce((sum, model) => sum + model.documents.size, 0)
  return { events, documents, perSecond: perSecond(events, ms) }
}

export const replay = async (path: string): Promise<Replayed> => {
  await using store = await openSqliteEventStore({ path, mode: 'read-only' })
  return await replayLog(store)
}
