import {
  channels,
  type Lane,
  lanes,
  type Priority,
  priorities,
} from '#domain/notification/events.ts'
import type { Clock } from '#ports/clock.ts'
import { Unavailable } from '#ports/errors.ts'
import type { DisposableWorkQueue, Published, WorkItem } from '#ports/work-queue.ts'
import { createConsumers } from './consumers.ts'
import { createWorkLane } from './work-lane.ts'

export interface InProcessWorkQueueOptions {
  /** Items that may wait per lane and priority. */
  readonly capacity?: number
  readonly clock: Pick<Clock, 'monotonic'>
  /** Hears of handlers that threw; their items are acknowledged all the same. */
  readonly onError?: (error: unknown, item: WorkItem) => void
}

const capacityDefault = 10_000
/**
 * What was begun is finished first: its events then lie close together in the log, are still remembered,
 * and are folded into one document at once. Never to nothing, for another channel may be idle.
 */
const backlogMax = 256
const routeSlotsThen = 8

/** Lanes in memory, gone with the process: the agenda fills them after every start. */
export const createInProcessWorkQueue = (
  options: InProcessWorkQueueOptions,
): DisposableWorkQueue => {
  const { capacity = capacityDefault, clock, onError = () => {} } = options
  const open = (lane: Lane) => {
    const work = createWorkLane(lane, capacity)
    const slotsNow = (slots: number): number =>
      lane === 'route' && isBackedUp() ? Math.min(slots, routeSlotsThen) : slots
    return { work, consumers: createConsumers({ lane: work, capacity, onError, slotsNow }) }
  }
  const byLane: Readonly<Record<Lane, ReturnType<typeof open>>> = {
    route: open('route'),
    push: open('push'),
    sms: open('sms'),
    email: open('email'),
  }
  const isBackedUp = (): boolean =>
    channels.some((lane) => priorities.some((each) => byLane[lane].work.waiting(each) > backlogMax))
  const end = new AbortController()

  const refuseClosed = (): void => {
    if (end.signal.aborted) throw new Unavailable('queue/closed', 'The queue has been closed.')
  }

  const publish = (item: WorkItem, now: number): Published => {
    const { work, consumers } = byLane[item.lane]
    const published = work.publish(item, now)
    if (published === 'queued') consumers.wake()
    return published
  }

  return {
    volatile: true,
    epoch: () => 'only',
    publish: async (items) => {
      refuseClosed()
      const now = clock.monotonic()
      return items.map((item) => publish(item, now))
    },
    consume: async (lane, { slots, signal }, handle) => {
      refuseClosed()
      if (!(Number.isInteger(slots) && slots >= 1))
        throw new RangeError(`A consumer has at least one slot, not ${slots}.`)
      await byLane[lane].consumers.run(
        { slots, signal: AbortSignal.any([signal, end.signal]) },
        handle,
      )
    },
    depths: async () => lanes.flatMap((lane) => byLane[lane].work.depths(clock.monotonic())),
    room: async (lane: Lane, priority: Priority, signal) => {
      if (!end.signal.aborted) await byLane[lane].consumers.room(priority, signal)
    },
    [Symbol.asyncDispose]: async () => {
      end.abort()
      await Promise.all(lanes.map((lane) => byLane[lane].consumers.close()))
    },
  }
}
