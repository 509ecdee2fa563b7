import type { Lane, Priority } from '#domain/notification/events.ts'

/** Says which notification may have something to do on which lane; nothing else. */
export interface WorkItem {
  readonly lane: Lane
  readonly priority: Priority
  readonly notificationId: string
  readonly traceparent?: string
}

/** `waiting`: one is there already. `full`: not taken, its lane and priority hold their maximum. */
export type Published = 'queued' | 'waiting' | 'full'

export interface LaneDepth {
  readonly lane: Lane
  readonly priority: Priority
  readonly waiting: number
  readonly inFlight: number
  /** Age of the oldest waiting item. */
  readonly oldestAgeMs: number
}

/**
 * Lanes of work, never the record: losing an item costs time, repeating one costs a read. An item that
 * waits is unique per lane and notification; publishing while it is in flight may be refused.
 */
export interface WorkQueue {
  /** Empty after every start: the agenda has to fill it at once. */
  readonly volatile: boolean

  /**
   * Names what the queue holds. When it is another one than before, what had been published may be lost
   * (somebody deleted it, or it lost its disk): the agenda fills it again at once. Asks nobody.
   */
  epoch(): string

  publish(items: readonly WorkItem[]): Promise<readonly Published[]>

  /**
   * Hands items of a lane to `handle`, at most `slots` at a time, urgent before normal before bulk without
   * starving any. An item is acknowledged after its handler returned or threw. Resolves after `signal`
   * fired and all handlers returned.
   */
  consume(
    lane: Lane,
    options: { readonly slots: number; readonly signal: AbortSignal },
    handle: (item: WorkItem) => Promise<void>,
  ): Promise<void>

  depths(): Promise<readonly LaneDepth[]>

  /** Resolves when a lane and priority that answered `full` has room for half its maximum, or on `signal`. */
  room(lane: Lane, priority: Priority, signal: AbortSignal): Promise<void>
}

export type DisposableWorkQueue = WorkQueue & AsyncDisposable
