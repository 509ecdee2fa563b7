import type { Clock } from '#ports/clock.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import { Unavailable } from '#ports/errors.ts'
import type { EventStore, LogPage, NewEvent } from '#ports/event-store.ts'
import type { Published, WorkQueue } from '#ports/work-queue.ts'

/** What is wrong with the stores and the queue at the moment; a test changes it as it goes. */
export interface Faults {
  /** Read models, and with them checkpoints, are not written. */
  documentsRefuse: boolean
  /**
   * Asked before an append. `refuse`: nothing is written. `unknown`: it is written, but nobody is told.
   * A number: the answer is this many milliseconds late.
   */
  append: (stream: string, events: readonly NewEvent[]) => 'refuse' | 'unknown' | number | undefined
  /** Asked before a stream is read. */
  read: (stream: string) => 'refuse' | number | undefined
  hints: 'arrive' | 'get-lost' | 'come-twice'
}

export const noFaults = (): Faults => ({
  documentsRefuse: false,
  append: () => undefined,
  read: () => undefined,
  hints: 'arrive',
})

const refusal = () => new Unavailable('store/busy', 'The store does not answer.')

export const faultyEvents = (events: EventStore, faults: Faults, clock: Clock): EventStore => {
  const append: EventStore['append'] = async (stream, news, options) => {
    const fault = faults.append(stream, news)
    if (fault === 'refuse') throw refusal()
    const appended = await events.append(stream, news, options)
    if (fault === 'unknown') throw refusal()
    if (fault !== undefined) await clock.sleep(fault)
    return appended
  }
  const read: EventStore['read'] = async (stream, options) => {
    const fault = faults.read(stream)
    if (fault === 'refuse') throw refusal()
    const found = await events.read(stream, options)
    if (fault !== undefined) await clock.sleep(fault)
    return found
  }
  return { ...events, append, read }
}

export const faultyDocuments = (documents: DocumentStore, faults: Faults): DocumentStore => {
  const write: DocumentStore['write'] = async (collection, changes) => {
    if (faults.documentsRefuse) throw refusal()
    return documents.write(collection, changes)
  }
  return { ...documents, write }
}

export const faultyQueue = (queue: WorkQueue, faults: Faults): WorkQueue => {
  const publish: WorkQueue['publish'] = async (items) =>
    faults.hints === 'get-lost' ? items.map((): Published => 'queued') : queue.publish(items)
  const consume: WorkQueue['consume'] = (lane, options, handle) =>
    queue.consume(lane, options, async (item) => {
      const twice = faults.hints === 'come-twice' ? [handle(item)] : []
      await Promise.all([handle(item), ...twice])
    })
  return { ...queue, publish, consume }
}

const never = new Promise<never>(() => {})

/** Whether a process lives, and whether it runs. */
export interface Life {
  readonly dead: AbortSignal
  /** Resolves at once while it runs, else when it goes on. */
  running(): Promise<void> | undefined
}

/** What answers at once, without asking anybody. */
const immediate: ReadonlySet<string | symbol> = new Set(['now', 'monotonic', 'comparePositions'])

/**
 * Cuts a dead process off: what it still asks for is not done, and nothing answers it any more. One that
 * stands still asks and hears when it goes on; what it had asked for before is done meanwhile.
 */
export const severed = <T extends object>(port: T, { dead, running }: Life): T => {
  const told = async (result: Promise<unknown>): Promise<unknown> => {
    try {
      const answer = await result
      return dead.aborted ? await never : answer
    } catch (error) {
      if (dead.aborted) return await never
      throw error
    } finally {
      await running()
    }
  }
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (dead.aborted) return never
        if (immediate.has(name)) return value.apply(target, args)
        const standing = running()
        if (standing) return told(standing.then(() => value.apply(target, args)))
        const result: unknown = value.apply(target, args)
        return result instanceof Promise ? told(result) : result
      }
    },
  })
}

export const severedEvents = (events: EventStore, life: Life): EventStore => {
  const { dead, running } = life
  async function* subscribe(options: Parameters<EventStore['subscribe']>[0]) {
    for await (const page of events.subscribe(options)) {
      if (dead.aborted) await never
      await running()
      yield page as LogPage
      if (dead.aborted) await never
      await running()
    }
  }
  return { ...severed(events, life), subscribe }
}

/** A queue that outlives its consumers: what a dead one had in hand comes back. */
export const sharedQueue = (queue: WorkQueue, { dead }: Life): WorkQueue => {
  const death = new Promise<void>((resolve) => {
    dead.addEventListener('abort', () => resolve(), { once: true })
  })
  return {
    ...queue,
    volatile: false,
    consume: (lane, { slots, signal }, handle) =>
      queue.consume(lane, { slots, signal: AbortSignal.any([signal, dead]) }, async (item) => {
        const lost = death.then(() => queue.publish([item]))
        await Promise.race([handle(item), lost])
      }),
  }
}
