import { type Lane, type Priority, priorities } from '#domain/notification/events.ts'
import { createTurns } from '#ports/turns.ts'
import type { LaneDepth, Published, WorkItem } from '#ports/work-queue.ts'
import { createFifo, type Fifo } from './fifo.ts'

interface Waiting {
  readonly item: WorkItem
  readonly since: number
}

interface Class {
  readonly fifo: Fifo<Waiting>
  /** In the fifo or held back. */
  waiting: number
  inFlight: number
}

/** The items of one lane. Every operation takes constant time. */
export interface WorkLane {
  publish(item: WorkItem, now: number): Published
  /** The next item, in flight from now on. */
  take(): WorkItem | undefined
  /** Ends its flight. */
  finish(item: WorkItem): void
  waiting(priority: Priority): number
  depths(now: number): readonly LaneDepth[]
}

export const createWorkLane = (lane: Lane, capacity: number): WorkLane => {
  const newClass = (): Class => ({ fifo: createFifo(), waiting: 0, inFlight: 0 })
  const classes: Readonly<Record<Priority, Class>> = {
    urgent: newClass(),
    normal: newClass(),
    bulk: newClass(),
  }
  const waiting = new Set<string>()
  const inFlight = new Set<string>()
  /** Published during the flight of their notification: never handed out before it ends. */
  const held = new Map<string, Waiting>()
  const turns = createTurns()

  const oldest = (priority: Priority): number | undefined => {
    let since = classes[priority].fifo.peek()?.since
    for (const one of held.values())
      if (one.item.priority === priority) since = Math.min(since ?? one.since, one.since)
    return since
  }

  return {
    publish(item, now) {
      if (waiting.has(item.notificationId)) return 'waiting'
      const ofItem = classes[item.priority]
      if (ofItem.waiting >= capacity) return 'full'
      ofItem.waiting++
      waiting.add(item.notificationId)
      const one = { item, since: now }
      if (inFlight.has(item.notificationId)) held.set(item.notificationId, one)
      else ofItem.fifo.add(one)
      return 'queued'
    },
    take() {
      const priority = turns((each) => classes[each].fifo.size() > 0)
      if (priority === undefined) return undefined
      const taken = classes[priority].fifo.take()
      if (taken === undefined) return undefined
      classes[priority].waiting--
      classes[priority].inFlight++
      waiting.delete(taken.item.notificationId)
      inFlight.add(taken.item.notificationId)
      return taken.item
    },
    finish({ notificationId, priority }) {
      classes[priority].inFlight--
      inFlight.delete(notificationId)
      const next = held.get(notificationId)
      if (next === undefined) return
      held.delete(notificationId)
      classes[next.item.priority].fifo.add(next)
    },
    waiting: (priority) => classes[priority].waiting,
    depths: (now) =>
      priorities.map((priority) => ({
        lane,
        priority,
        waiting: classes[priority].waiting,
        inFlight: classes[priority].inFlight,
        oldestAgeMs: now - (oldest(priority) ?? now),
      })),
  }
}
