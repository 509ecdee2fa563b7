import { UnknownEvent } from '#domain/recorded-fact.ts'
import type {
  Change,
  CollectionDeclaration,
  DocumentBody,
  DocumentStore,
  StoredDocument,
} from '#ports/document-store.ts'
import type { RecordedEvent } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import type { Projection } from '#projections/projection.ts'

type Groups = ReadonlyMap<string, readonly RecordedEvent[]>

const groupById = (projection: Projection, events: readonly RecordedEvent[]): Groups => {
  const groups = new Map<string, RecordedEvent[]>()
  for (const event of events) {
    const id = projection.idOf(event)
    if (id === undefined) continue
    const group = groups.get(id)
    if (group) group.push(event)
    else groups.set(id, [event])
  }
  return groups
}

const evolveOne = (
  projection: Projection,
  body: DocumentBody | undefined,
  event: RecordedEvent,
  log: Log,
): DocumentBody | undefined => {
  try {
    return projection.evolve(body, event)
  } catch (error) {
    // Written by a newer version: going on would be to skip it.
    if (error instanceof UnknownEvent || !projection.poisoned) throw error
    log.error('An event could not be folded; its document is stale.', {
      projection: projection.name,
      stream: event.stream,
      eventType: event.type,
      error: error as Error,
    })
    return projection.poisoned(body, event, String(error))
  }
}

/** The change that brings one document up to date; `undefined` when it is already. */
export const foldDocument = (
  projection: Projection,
  id: string,
  document: StoredDocument | undefined,
  events: readonly RecordedEvent[],
  log: Log,
): Change | undefined => {
  let body = document?.body
  let version = document?.version ?? -1
  const before = version
  for (const event of events) {
    if (event.revision <= version) continue
    body = evolveOne(projection, body, event, log)
    version = event.revision
  }
  if (version === before || body === undefined) return undefined
  const finished = projection.finish ? projection.finish(body) : body
  const next = { id, version, body: finished }
  return document
    ? { do: 'replace', document: next, ifVersion: document.version }
    : { do: 'insert', document: next }
}

/** Brings a collection up to date with some events; harmless when it holds some of them already. */
export const project = async (needs: {
  readonly documents: DocumentStore
  readonly projection: Projection
  readonly collection: CollectionDeclaration
  readonly events: readonly RecordedEvent[]
  readonly log: Log
}): Promise<void> => {
  const { documents, projection, collection, events, log } = needs
  let groups = groupById(projection, events)
  while (groups.size > 0) {
    const loaded = await documents.load(collection, [...groups.keys()])
    const changes: Change[] = []
    for (const [id, group] of groups) {
      const change = foldDocument(projection, id, loaded.get(id), group, log)
      if (change) changes.push(change)
    }
    if (changes.length === 0) return
    const { conflicts } = await documents.write(collection, changes)
    if (conflicts.length === 0) return
    // Another projector was faster: what it left out is folded on top.
    groups = new Map([...groups].filter(([id]) => conflicts.includes(id)))
  }
}
