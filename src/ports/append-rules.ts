import { EventTooLarge } from './errors.ts'
import type { Expected } from './event-store.ts'
import type { EventMetadata, NewEvent } from './recorded.ts'

/** Most events of one append. */
export const appendEventsMax = 1_000
/** Most bytes (UTF-8) of one event: its data, personal data and metadata as JSON. */
export const eventBytesMax = 1_000_000

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const refuseText = (name: string, value: unknown): void => {
  if (typeof value !== 'string' || !value.isWellFormed())
    throw new TypeError(`${name} has to be a text without lone surrogates.`)
}

const refuseMetadata = (metadata: EventMetadata): void => {
  const { at, app, actor, correlationId, causationId = '', traceparent = '' } = metadata
  refuseText('metadata.app', app)
  refuseText('metadata.actor', actor)
  refuseText('metadata.correlationId', correlationId)
  refuseText('metadata.causationId', causationId)
  refuseText('metadata.traceparent', traceparent)
  const ms = Date.parse(at)
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== at)
    throw new TypeError('metadata.at has to be RFC 3339 in UTC with milliseconds.')
}

const refuseEvent = (event: NewEvent): void => {
  if (!uuid.test(event.id)) throw new TypeError('The id of an event has to be a lower-case UUID.')
  refuseText('The type of an event', event.type)
  if (!Number.isSafeInteger(event.schemaVersion))
    throw new TypeError('schemaVersion has to be a whole number.')
  refuseMetadata(event.metadata)
}

/** Throws for a call that no adapter may take: a bug of the caller, found before anything is written. */
export const refuseAppend = (
  stream: string,
  events: readonly NewEvent[],
  expected: Expected,
): void => {
  refuseText('The name of a stream', stream)
  if (stream === '') throw new TypeError('A stream has to have a name.')
  if (events.length === 0 || events.length > appendEventsMax)
    throw new RangeError(`An append takes 1 to ${appendEventsMax} events, not ${events.length}.`)
  if (expected !== 'no-stream' && !(Number.isSafeInteger(expected) && expected >= 0))
    throw new RangeError('An append expects `no-stream` or a revision from 0.')
  for (const event of events) refuseEvent(event)
}

/** The metadata that is kept; whatever else an object carries is not. */
export const keptMetadata = (metadata: EventMetadata): EventMetadata => {
  const { at, app, actor, correlationId, causationId, traceparent } = metadata
  const kept: { -readonly [K in keyof EventMetadata]: EventMetadata[K] } = {
    at,
    app,
    actor,
    correlationId,
  }
  if (causationId !== undefined) kept.causationId = causationId
  if (traceparent !== undefined) kept.traceparent = traceparent
  return kept
}

export interface EventTexts {
  readonly data: string
  readonly personal: string | undefined
  /** An upper bound of its bytes. */
  readonly bytes: number
}

const objectText = (name: string, value: unknown): string => {
  const text = JSON.stringify(value)
  if (text?.[0] !== '{') throw new TypeError(`${name} of an event has to be a JSON object.`)
  return text
}

const metadataLength = ({ app, actor, correlationId, ...rest }: EventMetadata): number =>
  app.length +
  actor.length +
  correlationId.length +
  (rest.causationId?.length ?? 0) +
  (rest.traceparent?.length ?? 0)

/** What is stored of an event. Throws `EventTooLarge`, and `TypeError` for what JSON cannot say. */
export const textsOf = (event: NewEvent): EventTexts => {
  const data = objectText('The data', event.data)
  const personal =
    event.personal === undefined ? undefined : objectText('The personal data', event.personal)
  const longest = data.length + (personal?.length ?? 0) + metadataLength(event.metadata)
  if (longest * 3 > eventBytesMax) {
    const bytes =
      Buffer.byteLength(data) +
      Buffer.byteLength(personal ?? '') +
      Buffer.byteLength(JSON.stringify(keptMetadata(event.metadata)))
    if (bytes > eventBytesMax)
      throw new EventTooLarge(`${event.type} has ${bytes} bytes, the log takes ${eventBytesMax}.`)
  }
  return { data, personal, bytes: longest }
}
