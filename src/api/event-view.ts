import type { RecordedEvent } from '#ports/event-store.ts'

/** The hash of a key is of no use to anybody, but to somebody who tries keys. */
const shown = ({ type, data }: RecordedEvent): RecordedEvent['data'] => {
  if (type !== 'AppKeyIssued') return data
  const { hash: _hash, ...rest } = data
  return rest
}

/** An event as it is told outside; what identifies people only to those who may see it. */
export const eventView = (event: RecordedEvent, personal: boolean) => {
  const { id, type, schemaVersion, stream, revision, position, metadata } = event
  const { at, actor, correlationId, causationId } = metadata
  return {
    id,
    type,
    schemaVersion,
    stream,
    revision,
    position,
    at,
    actor,
    correlationId,
    ...(causationId !== undefined && { causationId }),
    data: shown(event),
    ...(personal && event.personal && { personal: event.personal }),
  }
}
