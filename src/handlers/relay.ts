import type { Lane, Priority, RequestedData, RoutedData } from '#domain/notification/events.ts'
import type { Clock } from '#ports/clock.ts'
import type { CrashPoints } from '#ports/crash-points.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'
import type { WorkItem, WorkQueue } from '#ports/work-queue.ts'
import type { Checkpoints, Place } from './checkpoints.ts'
import type { Tenure } from './hold-lease.ts'
import { createPlaceKeeper } from './place-keeper.ts'
import { placeBefore } from './places.ts'

/** What a new event gives to do at once. Everything later is the agenda's. */
export const workOf = (event: RecordedEvent): readonly WorkItem[] => {
  const notificationId = event.stream.slice('notification-'.length)
  const traceparent = event.metadata.traceparent
  const trace = traceparent === undefined ? {} : { traceparent }
  switch (event.type) {
    case 'NotificationRequested': {
      const { sendAt, priority } = event.data as unknown as RequestedData
      if (sendAt !== undefined && sendAt > event.metadata.at) return []
      return [{ lane: 'route', priority, notificationId, ...trace }]
    }
    case 'NotificationRouted': {
      const { deliveries, priority } = event.data as unknown as RoutedData
      const lanes = new Set<Lane>(deliveries.map((each) => each.channel))
      return [...lanes].map((lane) => ({ lane, priority, notificationId, ...trace }))
    }
    default:
      return []
  }
}

const pageMax = 1_000
const checkpointName = 'relay'

/** A lane that was full reads the log for itself until it has caught up, and holds up no other. */
interface Laggard {
  readonly lane: Lane
  readonly priority: Priority
  after: string | undefined
}

const keyOf = (item: Pick<WorkItem, 'lane' | 'priority'>): string => `${item.lane} ${item.priority}`

/** Follows the log and tells the lanes what there may be to do. Without a position it starts at the head. */
export const runRelay = async (needs: {
  readonly events: EventStore
  readonly queue: WorkQueue
  readonly checkpoints: Checkpoints
  readonly clock: Clock
  readonly crashPoints: CrashPoints
  readonly tenure: Tenure
  readonly onPosition?: (position: string) => void
}): Promise<void> => {
  const { events, queue, checkpoints, clock, crashPoints } = needs
  const broken = new AbortController()
  let failure: { readonly error: unknown } | undefined
  const laggards = new Map<string, Laggard>()
  const catchingUp = new Set<Promise<void>>()
  const checkpoint = await checkpoints.claim(checkpointName, needs.tenure)
  const stop = AbortSignal.any([needs.tenure.signal, broken.signal])
  const keeper = createPlaceKeeper(checkpoint, clock, stop)
  const { signal } = keeper
  let position = checkpoint.start?.position ?? (await events.head())

  if (position !== undefined) needs.onPosition?.(position)

  const afterOf = (place: string | undefined) => (place === undefined ? {} : { after: place })

  const catchUp = async (laggard: Laggard): Promise<void> => {
    const key = keyOf(laggard)
    while (!signal.aborted) {
      const page = await events.readAll({ ...afterOf(laggard.after), limit: pageMax })
      let items = page.events.flatMap(workOf).filter((item) => keyOf(item) === key)
      while (items.length > 0 && !signal.aborted) {
        await queue.room(laggard.lane, laggard.priority, signal)
        const answers = await queue.publish(items)
        items = items.filter((_, index) => answers[index] === 'full')
      }
      laggard.after = page.checkpoint
      const behind =
        position !== undefined && events.comparePositions(page.checkpoint, position) < 0
      if (!behind) break
    }
    // Ended half-way, it still holds up the checkpoint.
    if (!signal.aborted) laggards.delete(key)
  }

  /** Whether the queue took anything. */
  const publish = async (
    page: readonly RecordedEvent[],
    before: string | undefined,
  ): Promise<boolean> => {
    const items = page.flatMap(workOf).filter((item) => !laggards.has(keyOf(item)))
    if (items.length === 0) return false
    const answers = await queue.publish(items)
    for (const [index, item] of items.entries()) {
      if (answers[index] !== 'full' || laggards.has(keyOf(item))) continue
      const laggard = { lane: item.lane, priority: item.priority, after: before }
      laggards.set(keyOf(item), laggard)
      const task = catchUp(laggard)
        .catch((error: unknown) => {
          // Nobody waits for it: the relay as a whole starts again, from where it had come.
          failure ??= { error }
          broken.abort()
        })
        .finally(() => catchingUp.delete(task))
      catchingUp.add(task)
    }
    return answers.some((answer) => answer !== 'full')
  }

  let place: Place | undefined
  /** Never past what a full lane has not been told yet. */
  const note = (): void => {
    if (laggards.size === 0 && place) keeper.note(place)
  }

  for await (const page of events.subscribe({ ...afterOf(position), limit: pageMax, signal })) {
    const before = position
    position = page.checkpoint
    const relayed = await publish(page.events, before)
    needs.onPosition?.(position)
    if (relayed) crashPoints.reach('relayed-checkpoint-not-moved')
    place = placeBefore(page, undefined, before)
    note()
  }
  await Promise.all(catchingUp)
  if (failure) throw failure.error
  note()
  await keeper.end()
}
