import { isOwn } from '#domain/log/log.ts'
import type { Clock } from '#ports/clock.ts'
import type { EventFeed } from '#ports/event-feed.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { Tenure } from './hold-lease.ts'
import { createPlaceKeeper } from './place-keeper.ts'
import { placeBefore } from './places.ts'
import { toldEvent } from './told-event.ts'

const pageMax = 1_000
const checkpointName = 'feed'

/**
 * Tells the feed every event of the log but its own marks, at least once. Without a position it begins with the first event,
 * or with `from: 'head'` at the end: then what is recorded before the first page is told may be left out.
 */
export const runFeed = async (needs: {
  readonly events: EventStore
  readonly feed: EventFeed
  readonly checkpoints: Checkpoints
  readonly clock: Pick<Clock, 'monotonic'>
  readonly tenure: Tenure
  readonly from: 'beginning' | 'head'
  readonly onPosition?: (position: string) => void
}): Promise<void> => {
  const { events, feed, checkpoints, clock, tenure, from } = needs
  const held = await checkpoints.claim(checkpointName, tenure)
  const keeper = createPlaceKeeper(held, clock, tenure.signal)
  const { signal } = keeper
  const found = held.start?.position
  let position = found ?? (from === 'head' ? await events.head() : undefined)
  const after = position === undefined ? {} : { after: position }
  for await (const page of events.subscribe({ ...after, limit: pageMax, signal })) {
    const told = page.events.filter(({ stream }) => !isOwn(stream)).map(toldEvent)
    if (told.length > 0) await feed.publish(told)
    keeper.note(placeBefore(page, undefined, position)!)
    position = page.checkpoint
    needs.onPosition?.(position)
  }
  await keeper.end()
}
