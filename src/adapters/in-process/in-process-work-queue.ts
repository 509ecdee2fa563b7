import { type Lane, lanes, type Priority } from '#domain/notification/events.ts'
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

/** Lanes in memory, gone with the process: the agenda fills them after every start. */
export const createInProcessWorkQueue = (
  options: InProcessWorkQueueOptions,
): DisposableWorkQueue => {
  const { capacity = capacityDefault, clock, onError = () => {} } = options
  const open = (lane: Lane) => {
    const work = createWorkLane(lane, capacity)
    return { work, consumers: createConsumers(work, capacity, onError) }
  }
  const byLane: Readonly<Record<Lane, ReturnType<typeof open>>> = {
    route: open('route'),
    push: open('push'),
    sms: open('sms'),
    email: open('email'),
  }
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
