import { randomUUID } from 'node:crypto'
import type { Lane, Priority } from '#domain/notification/events.ts'
import type { LaneDepth, WorkItem, WorkQueue } from '#ports/work-queue.ts'

export const newItem = (parts: Partial<WorkItem> = {}): WorkItem => ({
  lane: 'push',
  priority: 'normal',
  notificationId: randomUUID(),
  ...parts,
})

export const newItems = (count: number, parts: Partial<WorkItem> = {}): readonly WorkItem[] =>
  Array.from({ length: count }, () => newItem(parts))

export interface Consumer extends AsyncDisposable {
  /** Everything handed out, in its order. */
  readonly taken: readonly WorkItem[]
  running(): number
  /** Most handlers at one time. */
  peak(): number
  /** Lets the handlers that wait return, and those to come. */
  release(): void
  /** Stops taking, and resolves once the handlers have returned. */
  stop(): Promise<void>
}

/** Takes work of a lane; `held` handlers return only once released. */
export const startConsumer = (
  queue: WorkQueue,
  options: { readonly lane?: Lane; readonly slots?: number; readonly held?: boolean } = {},
): Consumer => {
  const { lane = 'push', slots = 4, held = false } = options
  const taken: WorkItem[] = []
  const stop = new AbortController()
  const gate = Promise.withResolvers<void>()
  let running = 0
  let peak = 0
  const done = queue.consume(lane, { slots, signal: stop.signal }, async (item) => {
    taken.push(item)
    peak = Math.max(peak, ++running)
    if (held) await gate.promise
    running--
  })
  const end = async (): Promise<void> => {
    stop.abort()
    await done
  }
  return {
    taken,
    running: () => running,
    peak: () => peak,
    release: gate.resolve,
    stop: end,
    [Symbol.asyncDispose]: async () => {
      gate.resolve()
      await end()
    },
  }
}

export const depthOf = async (
  queue: WorkQueue,
  lane: Lane,
  priority: Priority,
): Promise<LaneDepth> => {
  const depth = (await queue.depths()).find((one) => one.lane === lane && one.priority === priority)
  if (depth === undefined) throw new Error(`There is no depth of ${lane} ${priority}.`)
  return depth
}
