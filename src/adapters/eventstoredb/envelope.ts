import { type EventData, jsonEvent, type ResolvedEvent } from '@eventstore/db-client'
import { keptMetadata, textsOf } from '#ports/append-rules.ts'
import { EventTooLarge } from '#ports/errors.ts'
import type { EventMetadata, Json, NewEvent, RecordedEvent } from '#ports/event-store.ts'
import { formatPosition, type Position } from './positions.ts'

// How an event of ours lies in EventStoreDB:
//   data      {"data": {…}, "personal": {…}}: metadata goes to more readers (system projections), so what is
//             personal is not there; it stays a part of its own, so that it can be sealed
//   metadata  {"schemaVersion", "at", "app", "actor", "$correlationId", "$causationId", "traceparent"}: with
//             the names by which the server's own $by_correlation_id projection finds events

/** The kinds of streams that are ours; the log may hold streams of other programs too. */
export const streamPrefixes: readonly string[] = [
  ...['notification-', 'recipient-', 'address-', 'template-', 'app-', 'callbacks-'],
  // Of what is planned, so that an older process does not pass over a newer one's events.
  ...['broadcast-', 'schedule-'],
  // Marks that the service itself leaves in the log.
  'pabal-',
]

/** Holds the log's id. Hidden: a log in which nothing happened is empty. */
export const identityStream = 'pabal-log'

export const isOurStream = (stream: string): boolean =>
  stream !== identityStream && streamPrefixes.some((prefix) => stream.startsWith(prefix))

/** As `MaxAppendSize` of the server, unless somebody raised it: of all events of one append together. */
const appendBytesMax = 1_048_576

interface StoredData {
  readonly data: Json
  readonly personal?: Json
}

interface StoredMetadata {
  readonly schemaVersion: number
  readonly at: string
  readonly app: string
  readonly actor: string
  readonly $correlationId: string
  readonly $causationId?: string
  readonly traceparent?: string
}

const metadataTextOf = (event: NewEvent): string => {
  const { correlationId, causationId, ...rest } = keptMetadata(event.metadata)
  return JSON.stringify({
    schemaVersion: event.schemaVersion,
    ...rest,
    $correlationId: correlationId,
    $causationId: causationId,
  })
}

/**
 * What is handed to the client: taken from the texts, so that it says the same at each retry and that
 * nothing the client cannot serialise gets there (it would never settle). Throws `EventTooLarge`, and
 * `TypeError` for what JSON cannot say.
 */
export const encodeEvents = (events: readonly NewEvent[]): EventData[] => {
  let bytes = 0
  const encoded = events.map((event) => {
    const { data, personal } = textsOf(event)
    const text = `{"data":${data}${personal === undefined ? '' : `,"personal":${personal}`}}`
    const metadata = metadataTextOf(event)
    bytes += Buffer.byteLength(text) + Buffer.byteLength(metadata) + event.type.length * 2
    return jsonEvent({
      id: event.id,
      type: event.type,
      data: JSON.parse(text),
      metadata: JSON.parse(metadata),
    })
  })
  if (bytes <= appendBytesMax) return encoded
  throw new EventTooLarge(
    `An append of ${events.length} events has ${bytes} bytes, EventStoreDB takes ${appendBytesMax} at once.`,
  )
}

const metadataOf = (stored: StoredMetadata): EventMetadata => {
  const { at, app, actor, $correlationId: correlationId, $causationId, traceparent } = stored
  const metadata: { -readonly [K in keyof EventMetadata]: EventMetadata[K] } = {
    at,
    app,
    actor,
    correlationId,
  }
  if ($causationId !== undefined) metadata.causationId = $causationId
  if (traceparent !== undefined) metadata.traceparent = traceparent
  return metadata
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const isStoredMetadata = (value: unknown): value is StoredMetadata =>
  isObject(value) && 'schemaVersion' in value && '$correlationId' in value

const isStoredData = (value: unknown): value is StoredData => isObject(value) && 'data' in value

/** The place of an event in `$all`. */
export const positionOf = (resolved: ResolvedEvent): Position | undefined =>
  resolved.event?.position ??
  (resolved.commitPosition === undefined
    ? undefined
    : { commit: resolved.commitPosition, prepare: resolved.commitPosition })

/**
 * `undefined` for what another program, or the server, wrote: links, system events, tombstones (which lie in
 * the very stream they end).
 */
export const decodeEvent = (resolved: ResolvedEvent): RecordedEvent | undefined => {
  const { event } = resolved
  if (event === undefined || event.type.startsWith('$')) return undefined
  const { data: stored, metadata } = event as { data: unknown; metadata: unknown }
  const place = positionOf(resolved)
  if (place === undefined || !isStoredMetadata(metadata) || !isStoredData(stored)) return undefined
  const { data, personal } = stored
  const recorded = {
    id: event.id,
    type: event.type,
    schemaVersion: metadata.schemaVersion,
    data,
    metadata: metadataOf(metadata),
    stream: event.streamId,
    revision: Number(event.revision),
    position: formatPosition(place),
  }
  return personal === undefined ? recorded : { ...recorded, personal }
}
