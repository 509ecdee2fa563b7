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
import { type Groups, groupById } from './gathering.ts'
import type { Counting } from './tally.ts'

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
  // Half a stream would be folded into half the truth: what was thrown away is rebuilt from the beginning.
  if (!document && projection.fromFirst && (events[0]?.revision ?? 0) > 0) return undefined
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

/** Documents folded and written at a time: others want to go on between. */
const freeSliceMax = 100
/** Slices on their way at a time: while the store writes one, the next is folded. */
const lanesMax = 3
/** Counted documents: their slices come one after the other, each with a write of its own for the count. */
const countedSliceMax = 400

export interface Projecting {
  readonly documents: DocumentStore
  readonly projection: Projection
  readonly collection: CollectionDeclaration
  readonly log: Log
  readonly counting?: Counting | undefined
}

const projectSlice = async (needs: Projecting, slice: Groups): Promise<void> => {
  const { documents, projection, collection, log, counting } = needs
  let groups = slice
  while (groups.size > 0) {
    const loaded = await documents.load(collection, [...groups.keys()])
    const changes: Change[] = []
    for (const [id, group] of groups) {
      const change = foldDocument(projection, id, loaded.get(id), group, log)
      if (change) changes.push(change)
    }
    if (changes.length === 0) return
    await counting?.ahead(loaded, changes, groups)
    const { conflicts } = await documents.write(collection, changes)
    if (conflicts.length === 0) return
    counting?.doubt()
    // Another projector was faster: what it left out is folded on top.
    groups = new Map([...groups].filter(([id]) => conflicts.includes(id)))
  }
}

/** Brings documents up to date with their events; harmless when they hold some of them already. */
export const projectGroups = async (needs: Projecting, groups: Groups): Promise<void> => {
  const all = [...groups]
  const sliceMax = needs.counting ? countedSliceMax : freeSliceMax
  let next = 0
  const lane = async (): Promise<void> => {
    for (let at = next; at < all.length; at = next) {
      next += sliceMax
      await projectSlice(needs, new Map(all.slice(at, at + sliceMax)))
    }
  }
  await Promise.all(Array.from({ length: needs.counting ? 1 : lanesMax }, lane))
}

/** Brings a collection up to date with some events. */
export const project = (
  needs: Projecting & { readonly events: readonly RecordedEvent[] },
): Promise<void> => projectGroups(needs, groupById(needs.projection, needs.events))
