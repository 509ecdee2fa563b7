import type { Clock } from '#ports/clock.ts'
import type { EventStore, LogPage, RecordedEvent } from '#ports/event-store.ts'

/** Events that are read ahead of the slowest follower, about. */
const aheadMax = 8_000
/** Events that stay when all have taken them, for one who comes a moment later. */
const keptMax = 8_000
/** Events of a page, for followers who name no number. */
const pageDefault = 1_000
/** So long the others wait for one that does not take its page; then it reads for itself. */
const patienceMs = 1_000

/** Aborting without a reason makes an exception with its stack. */
const thereIsRoom = 'there is room'

type Follow = Parameters<EventStore['subscribe']>[0]

/** One reading of the log: the pages of it that somebody may still want. */
interface Reading {
  readonly pages: LogPage[]
  /** Where the first of them begins, and how many events came before it. */
  start: string | undefined
  gone: number
  /** How many there were up to the end of the last. */
  count: number
  /** After how many events each of its followers takes the next page. */
  readonly next: Map<object, number>
  readonly end: AbortController
  /** Aborted when the slowest has taken a page. */
  room: AbortController | undefined
  /** Resolves with each page, and when it is over. */
  more: PromiseWithResolvers<void>
  over: { readonly error?: unknown } | undefined
}

const wake = (reading: Reading): void => {
  reading.more.resolve()
  reading.more = Promise.withResolvers()
}

const slowest = ({ next }: Reading): number => Math.min(...next.values())

const isFull = (reading: Reading): boolean => reading.count - slowest(reading) >= aheadMax

/** Gives up what everybody took a while ago. */
const forget = (reading: Reading): void => {
  const { pages } = reading
  const wanted = slowest(reading) - keptMax
  while (pages.length > 0 && reading.gone + pages[0]!.events.length <= wanted) {
    const { events, checkpoint } = pages.shift()!
    reading.start = checkpoint
    reading.gone += events.length
  }
  if (!reading.room || isFull(reading)) return
  reading.room.abort(thereIsRoom)
  reading.room = undefined
}

/** What comes while nobody took the last page joins it: each page costs its followers some round trips. */
const add = (reading: Reading, page: LogPage, limit: number): void => {
  const { pages, count, next } = reading
  const last = pages.at(-1)
  reading.count += page.events.length
  const isTaken = Math.max(...next.values()) >= count
  if (last === undefined || isTaken || last.events.length + page.events.length > limit) {
    pages.push({ ...page, events: [...page.events] })
    return
  }
  const events = last.events as RecordedEvent[]
  events.push(...page.events)
  pages[pages.length - 1] = { ...page, events }
}

/** Somebody has left: what only he wanted is given up, and after the last the reading ends. */
const settle = (reading: Reading): void => {
  if (reading.next.size > 0) forget(reading)
  else reading.end.abort()
}

/** The slowest are on their own from here. */
const leaveBehind = (reading: Reading): void => {
  const last = slowest(reading)
  for (const [follower, at] of reading.next) {
    if (at === last) reading.next.delete(follower)
  }
  settle(reading)
  wake(reading)
}

const leave = (reading: Reading, follower: object): void => {
  reading.next.delete(follower)
  settle(reading)
}

/** How many events lie before a place; `undefined`: it is not kept, or so old that the others would wait. */
const countAt = (
  { start, pages, gone, count }: Reading,
  place: string | undefined,
  compare: EventStore['comparePositions'],
): number | undefined => {
  let before = gone
  if (place !== start) {
    if (place === undefined || (start !== undefined && compare(place, start) < 0)) return undefined
    const index = pages.findIndex(({ checkpoint }) => compare(place, checkpoint) <= 0)
    const page = pages[index]
    if (page === undefined) return undefined
    const isEnd = page.checkpoint === place
    const taken = isEnd
      ? page.events.length
      : page.events.findIndex(({ position }) => position === place) + 1
    if (taken === 0) return undefined
    before += pages.slice(0, index).reduce((sum, { events }) => sum + events.length, taken)
  }
  return count - before < aheadMax ? before : undefined
}

const take = (reading: Reading, follower: object): LogPage | undefined => {
  const { pages, next } = reading
  const wanted = next.get(follower)!
  let before = reading.count
  for (let index = pages.length - 1; index >= 0; index -= 1) {
    const page = pages[index]!
    before -= page.events.length
    if (before > wanted) continue
    const taken = wanted - before
    if (taken >= page.events.length) return undefined
    next.set(follower, before + page.events.length)
    forget(reading)
    const events = taken === 0 ? page.events : page.events.slice(taken)
    // It was when it was read; there is more by now.
    return { ...page, events, atHead: page.atHead && page === pages.at(-1) }
  }
  return undefined
}

/**
 * Followers of a log that stand at the same place read it once for all of them, and ahead of them: taking
 * events off the wire costs more than passing over them. Who stands elsewhere reads for himself until he comes
 * near the others, at the head at the latest. Nobody holds up the others for longer than a second.
 */
export const shareLog = (events: EventStore, clock: Pick<Clock, 'sleep'>): EventStore => {
  /** The oldest first: all come together in that. */
  const readings = new Set<Reading>()

  const read = async (reading: Reading, options: Follow): Promise<void> => {
    const { signal } = options
    try {
      for await (const page of events.subscribe(options)) {
        add(reading, page, options.limit ?? pageDefault)
        wake(reading)
        while (!signal.aborted && isFull(reading)) {
          reading.room = new AbortController()
          const room = AbortSignal.any([reading.room.signal, signal])
          await clock.sleep(patienceMs, room)
          if (!room.aborted) leaveBehind(reading)
        }
      }
      reading.over = {}
    } catch (error) {
      reading.over = { error }
    }
    readings.delete(reading)
    wake(reading)
  }

  const begin = (follower: object, { after, limit }: Follow): Reading => {
    const end = new AbortController()
    const reading: Reading = {
      ...{ pages: [], start: after, gone: 0, count: 0, next: new Map([[follower, 0]]), end },
      ...{ room: undefined, more: Promise.withResolvers<void>(), over: undefined },
    }
    readings.add(reading)
    const options = { ...(after !== undefined && { after }), ...(limit !== undefined && { limit }) }
    end.signal.addEventListener('abort', () => readings.delete(reading))
    void read(reading, { ...options, signal: end.signal })
    return reading
  }

  /** The oldest that has what comes after a place, and is older than the one that the follower has. */
  const join = (follower: object, place: string | undefined, than?: Reading) => {
    for (const reading of readings) {
      if (reading === than) return undefined
      const before = countAt(reading, place, events.comparePositions)
      if (before === undefined) continue
      reading.next.set(follower, before)
      return reading
    }
    return undefined
  }

  async function* subscribe(options: Follow): AsyncGenerator<LogPage, void, void> {
    const { signal } = options
    const follower = {}
    let place = options.after
    const enter = (): Reading =>
      join(follower, place) ??
      begin(follower, place === undefined ? options : { ...options, after: place })
    let reading = enter()
    const stop = (): void => wake(reading)
    signal.addEventListener('abort', stop)
    try {
      while (!signal.aborted) {
        if (!reading.next.has(follower)) reading = enter()
        const { more, over } = reading
        const page = take(reading, follower)
        if (page !== undefined) {
          place = page.checkpoint
          yield page
          const older = join(follower, place, reading)
          if (older) leave(reading, follower)
          reading = older ?? reading
        } else if (over === undefined) await more.promise
        else if ('error' in over) throw over.error
        else return
      }
    } finally {
      signal.removeEventListener('abort', stop)
      leave(reading, follower)
    }
  }

  return Object.create(events, { subscribe: { value: subscribe } })
}
