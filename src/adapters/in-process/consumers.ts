import type { Priority } from '#domain/notification/events.ts'
import type { WorkItem } from '#ports/work-queue.ts'
import type { WorkLane } from './work-lane.ts'

type Handle = (item: WorkItem) => Promise<void>

interface Consumer {
  readonly slots: number
  readonly signal: AbortSignal
  readonly handle: Handle
  readonly ended: () => void
  running: number
}

/** Those who work on one lane, and those who wait for room on it. */
export interface Consumers {
  /** Resolves after the signal fired and all handlers returned. */
  run(
    options: { readonly slots: number; readonly signal: AbortSignal },
    handle: Handle,
  ): Promise<void>
  /** Something was published. */
  wake(): void
  room(priority: Priority, signal: AbortSignal): Promise<void>
  /** Lets everybody go who waits for room; resolves once no consumer is left. */
  close(): Promise<void>
}

interface RoomSeeker {
  readonly priority: Priority
  readonly resume: () => void
}

export const createConsumers = (options: {
  readonly lane: WorkLane
  readonly capacity: number
  readonly onError: (error: unknown, item: WorkItem) => void
  /** How many handlers may run now of those that a consumer would have. At least one. */
  readonly slotsNow: (slots: number) => number
}): Consumers => {
  const { lane, capacity, onError, slotsNow } = options
  const consumers = new Set<Consumer>()
  const seekers = new Set<RoomSeeker>()
  const ends = new Set<Promise<void>>()
  let woken = false

  const hasRoom = (priority: Priority): boolean => lane.waiting(priority) <= capacity / 2

  const start = async (consumer: Consumer, item: WorkItem): Promise<void> => {
    consumer.running++
    try {
      await consumer.handle(item)
    } catch (error) {
      // The agenda brings back what was not finished; to hand it out again at once would spin.
      onError(error, item)
    } finally {
      consumer.running--
      lane.finish(item)
      if (consumer.signal.aborted && consumer.running === 0) consumer.ended()
      pump()
    }
  }

  const pump = (): void => {
    for (const consumer of consumers) {
      while (!consumer.signal.aborted && consumer.running < slotsNow(consumer.slots)) {
        const item = lane.take()
        if (item === undefined) break
        void start(consumer, item)
      }
    }
    for (const seeker of seekers) if (hasRoom(seeker.priority)) seeker.resume()
  }

  return {
    run({ slots, signal }, handle) {
      const ended = new Promise<void>((resolve) => {
        if (signal.aborted) return resolve()
        const consumer: Consumer = { slots, signal, handle, running: 0, ended: resolve }
        consumers.add(consumer)
        signal.addEventListener(
          'abort',
          () => {
            consumers.delete(consumer)
            if (consumer.running === 0) resolve()
          },
          { once: true },
        )
        pump()
      })
      ends.add(ended)
      return ended.finally(() => ends.delete(ended))
    },
    wake() {
      if (woken) return
      woken = true
      // After the publisher has gone on: a handler must not run in the middle of it.
      queueMicrotask(() => {
        woken = false
        pump()
      })
    },
    room: (priority, signal) =>
      new Promise((resolve) => {
        if (hasRoom(priority) || signal.aborted) return resolve()
        const resume = (): void => {
          seekers.delete(seeker)
          signal.removeEventListener('abort', resume)
          resolve()
        }
        const seeker: RoomSeeker = { priority, resume }
        seekers.add(seeker)
        signal.addEventListener('abort', resume)
      }),
    async close() {
      for (const seeker of seekers) seeker.resume()
      await Promise.all(ends)
    },
  }
}
