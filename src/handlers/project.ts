import { UnknownEvent } from '#domain/recorded-fact.ts'
import type { Clock } from '#ports/clock.ts'
import { hasExpired } from '#ports/document-query.ts'
import type {
  Change,
  CollectionDeclaration,
  DocumentBody,
  DocumentStore,
  StoredDocument,
} from '#ports/document-store.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'
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

/** Whether what was folded so far had expired by the time of an event. */
const wasOver = (projection: Projection, body: DocumentBody, event: RecordedEvent): boolean =>
  projection.expires !== undefined && hasExpired(projection, body, Date.parse(event.metadata.at))

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
    // The store would have shown nothing, had it been asked between the two.
    if (!document && body && wasOver(projection, body, event)) {
      body = undefined
      version = before
    }
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
  /** Absent: no document can lack any of its events. */
  readonly streams?: Pick<EventStore, 'read'>
  /** Documents that would look open are folded to the end of their stream: no stale due time is written. */
  readonly toTheEnd?: boolean
  /** Not all that came before was met: that a document is not there yet does not mean that it was lost. */
  readonly recovering?: boolean
  readonly documents: DocumentStore
  readonly projection: Projection
  readonly collection: CollectionDeclaration
  /** What has expired already is not begun: a rebuild does not bring back what was swept. */
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  readonly counting?: Counting | undefined
}

/** The events of a group, and, where the document lacks some before them, all since what it holds. */
const withoutGap = async (
  { streams, projection }: Projecting,
  id: string,
  document: StoredDocument | undefined,
  group: readonly RecordedEvent[],
): Promise<readonly RecordedEvent[]> => {
  const held = document?.version ?? -1
  const news = group.find(({ revision }) => revision > held)
  if (!streams || !projection.wholeStream || !news || news.revision === held + 1) return group
  return streams.read(projection.wholeStream.streamOf(id), { after: held })
}

interface Folded {
  readonly id: string
  /** `undefined`: the document is up to date. */
  readonly change: Change | undefined
  readonly events: readonly RecordedEvent[]
}

/** As `foldDocument`, with what only the log can add. */
const completed = async (
  needs: Projecting,
  id: string,
  document: StoredDocument | undefined,
  group: readonly RecordedEvent[],
): Promise<Folded> => {
  const { streams, projection, toTheEnd, log } = needs
  const known = await withoutGap(needs, id, document, group)
  const fold = (events: readonly RecordedEvent[]): Folded => ({
    ...{ id, events },
    change: foldDocument(projection, id, document, events, log),
  })
  const folded = fold(known)
  const { change } = folded
  const { wholeStream } = projection
  if (!toTheEnd || !streams || !wholeStream || !change || change.do === 'delete') return folded
  if (!wholeStream.isOpen(change.document.body)) return folded
  const rest = await streams.read(wholeStream.streamOf(id), { after: change.document.version })
  return rest.length === 0 ? folded : fold([...known, ...rest])
}

const lacksSome = (
  { projection, toTheEnd }: Projecting,
  document: StoredDocument | undefined,
  group: readonly RecordedEvent[],
): boolean =>
  projection.wholeStream !== undefined &&
  (toTheEnd === true || group[0]!.revision > (document?.version ?? -1) + 1)

const foldSlice = async (
  needs: Projecting,
  groups: Groups,
  loaded: ReadonlyMap<string, StoredDocument>,
): Promise<readonly Folded[]> => {
  const folded: Folded[] = []
  const asked: Promise<Folded>[] = []
  for (const [id, events] of groups) {
    const document = loaded.get(id)
    if (lacksSome(needs, document, events)) asked.push(completed(needs, id, document, events))
    else {
      const change = foldDocument(needs.projection, id, document, events, needs.log)
      folded.push({ id, change, events })
    }
  }
  return asked.length === 0 ? folded : [...folded, ...(await Promise.all(asked))]
}

const projectSlice = async (needs: Projecting, slice: Groups): Promise<void> => {
  const { documents, collection, clock, counting, recovering } = needs
  const comesTooLate = (change: Change): boolean =>
    change.do === 'insert' && hasExpired(collection, change.document.body, clock.now())
  let groups = slice
  while (groups.size > 0) {
    const loaded = await documents.load(collection, [...groups.keys()])
    const folded = await foldSlice(needs, groups, loaded)
    const changes = folded.flatMap(({ change }) => (change && !comesTooLate(change) ? change : []))
    if (changes.length === 0) return
    const met = recovering ? new Map(folded.map(({ id, events }) => [id, events])) : groups
    const written = await counting?.ahead(loaded, changes, met)
    const { conflicts } = await documents.write(collection, changes)
    written?.(conflicts.length === 0)
    if (conflicts.length === 0) return
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
  const lanes = Array.from({ length: needs.counting ? 1 : lanesMax }, lane)
  const ended = await Promise.allSettled(lanes)
  // Not before all have ended: who goes on after a failure must find nobody still writing.
  for (const each of ended) if (each.status === 'rejected') throw each.reason
}

/** Brings a collection up to date with some events. */
export const project = async (
  needs: Projecting & { readonly events: readonly RecordedEvent[] },
): Promise<void> => projectGroups(needs, groupById(needs.projection, needs.events))
