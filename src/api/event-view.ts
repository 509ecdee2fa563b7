import { toldData } from '#handlers/told-event.ts'
import type { RecordedEvent } from '#ports/event-store.ts'

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
    data: toldData(event),
    ...(personal && event.personal && { personal: event.personal }),
  }
}
