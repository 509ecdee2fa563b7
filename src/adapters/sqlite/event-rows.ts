import type { SQLInputValue } from 'node:sqlite'
import { keptMetadata, textsOf } from '#ports/append-rules.ts'
import type { EventMetadata, NewEvent, RecordedEvent } from '#ports/event-store.ts'
import { asRead } from '#ports/plain-json.ts'

export const insertEventSql = `INSERT INTO events
  (pos, sid, rev, id, type, schema, at, app, actor, correlation, causation, trace, data, personal)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

/** The columns that `eventOf` takes, in its order. The id as text: a blob costs more to hand over. */
const columns = `pos, name, rev, lower(hex(id)), type, schema, at, app, actor, correlation,
  causation, trace, data, personal`
export const selectPageSql = `SELECT ${columns} FROM events JOIN streams USING (sid)
  WHERE pos > ? ORDER BY pos LIMIT ?`
export const selectStreamSql = `SELECT ${columns} FROM events JOIN streams USING (sid)
  WHERE sid = ? AND rev > ? ORDER BY rev`

/** A row with `setReturnArrays`. */
export type EventRow = readonly [
  pos: number,
  stream: string,
  rev: number,
  id: string,
  type: string,
  schema: number,
  at: number,
  app: string,
  actor: string,
  correlation: string,
  causation: string | null,
  trace: string | null,
  data: string,
  personal: string | null,
]

/** An event made ready before its turn comes, so that one that cannot be stored harms no other. */
export interface PreparedEvent {
  readonly event: NewEvent
  readonly at: number
  readonly data: string
  readonly personal: string | null
  readonly bytes: number
}

/** Throws `EventTooLarge`, and `TypeError` for what JSON cannot say. */
export const prepareEvent = (event: NewEvent): PreparedEvent => {
  const { data, personal, bytes } = textsOf(event)
  const { id, type, schemaVersion } = event
  const metadata = keptMetadata(event.metadata)
  const plain = asRead(event.data, data)
  const kept: NewEvent =
    event.personal === undefined || personal === undefined
      ? { id, type, schemaVersion, data: plain, metadata }
      : {
          id,
          type,
          schemaVersion,
          data: plain,
          personal: asRead(event.personal, personal),
          metadata,
        }
  return { event: kept, at: Date.parse(metadata.at), data, personal: personal ?? null, bytes }
}

/** As it will be read from the log. */
export const recordedOf = (
  { event }: PreparedEvent,
  stream: string,
  revision: number,
  position: number,
): RecordedEvent => ({ ...event, stream, revision, position: String(position) })

const uuidOf = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`

const milliseconds = Array.from({ length: 1_000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`)
let lastSecond = Number.NaN
let lastPrefix = ''

/** As `toISOString`, which took a sixth of reading: neighbours in the log mostly share their second. */
const timeOf = (at: number): string => {
  const second = Math.floor(at / 1_000)
  if (second !== lastSecond) {
    lastSecond = second
    lastPrefix = new Date(at).toISOString().slice(0, -4)
  }
  return lastPrefix + milliseconds[at - second * 1_000]
}

const metadataOf = (row: EventRow): EventMetadata => {
  const metadata = {
    at: timeOf(row[6]),
    app: row[7],
    actor: row[8],
    correlationId: row[9],
  }
  // Spreading costs as much as all the rest: most events are spared it.
  if (row[10] === null && row[11] === null) return metadata
  return {
    ...metadata,
    ...(row[10] === null ? undefined : { causationId: row[10] }),
    ...(row[11] === null ? undefined : { traceparent: row[11] }),
  }
}

/** The same fields in the same order as `recordedOf` gives. */
export const eventOf = (row: EventRow): RecordedEvent => {
  const id = uuidOf(row[3])
  const type = row[4]
  const schemaVersion = row[5]
  const data = JSON.parse(row[12])
  const metadata = metadataOf(row)
  const stream = row[1]
  const revision = row[2]
  const position = String(row[0])
  if (row[13] === null)
    return { id, type, schemaVersion, data, metadata, stream, revision, position }
  const personal = JSON.parse(row[13])
  return { id, type, schemaVersion, data, personal, metadata, stream, revision, position }
}

const nibbles = new Uint8Array(128)
for (let value = 0; value < 16; value++) nibbles[value.toString(16).charCodeAt(0)] = value

const idBytes = new Uint8Array(16)

/** The bytes of a UUID, valid until the next call: SQLite copies them when it is handed them. */
export const bytesOf = (uuid: string): Uint8Array => {
  let written = 0
  for (let at = 0; at < 36; at += 2) {
    if (at === 8 || at === 13 || at === 18 || at === 23) at++
    const high = nibbles[uuid.charCodeAt(at)] ?? 0
    idBytes[written++] = (high << 4) | (nibbles[uuid.charCodeAt(at + 1)] ?? 0)
  }
  return idBytes
}

/** What is stored of an event but for its place: in the order of the columns, ready to cross threads. */
export type EventValues = readonly [
  id: string,
  type: string,
  schema: number,
  at: number,
  app: string,
  actor: string,
  correlation: string,
  causation: string | null,
  trace: string | null,
  data: string,
  personal: string | null,
]

export const valuesOf = ({ event, at, data, personal }: PreparedEvent): EventValues => [
  event.id,
  event.type,
  event.schemaVersion,
  at,
  event.metadata.app,
  event.metadata.actor,
  event.metadata.correlationId,
  event.metadata.causationId ?? null,
  event.metadata.traceparent ?? null,
  data,
  personal,
]

export const parametersOf = (
  [id, ...values]: EventValues,
  sid: number,
  revision: number,
  position: number,
): SQLInputValue[] => [position, sid, revision, bytesOf(id), ...values]
