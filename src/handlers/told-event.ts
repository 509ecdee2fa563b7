import type { FeedEvent } from '#ports/event-feed.ts'
import type { RecordedEvent } from '#ports/event-store.ts'

/** The hash of a key is of no use to anybody, but to somebody who tries keys. */
export const toldData = ({ type, data }: RecordedEvent): RecordedEvent['data'] => {
  if (type !== 'AppKeyIssued') return data
  const { hash: _hash, ...rest } = data
  return rest
}

/** An event as other services may hear it: without what identifies people. */
export const toldEvent = (event: RecordedEvent): FeedEvent => {
  const { personal: _personal, ...rest } = event
  return { ...rest, data: toldData(event) }
}
