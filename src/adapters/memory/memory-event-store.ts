import { randomUUID } from 'node:crypto'
import { keptMetadata, refuseAppend, textsOf } from '#ports/append-rules.ts'
import { Unavailable, VersionConflict } from '#ports/errors.ts'
import type {
  Appended,
  DisposableEventStore,
  Expected,
  LogPage,
  NewEvent,
  RecordedEvent,
} from '#ports/event-store.ts'
import { deepFreeze } from './deep-freeze.ts'

const pageMax = 10_000

const recordedOf = (
  event: NewEvent,
  place: { stream: string; revision: number; position: string },
): RecordedEvent => {
  const { data, personal } = textsOf(event)
  return deepFreeze({
    id: event.id,
    type: event.type,
    schemaVersion: event.schemaVersion,
    data: JSON.parse(data),
    ...(personal === undefined ? undefined : { personal: JSON.parse(personal) }),
    metadata: keptMetadata(event.metadata),
    ...place,
  })
}

/** The events that are there already when this call repeats an earlier one. */
const repeated = (
  known: readonly RecordedEvent[],
  events: readonly NewEvent[],
  revision: number,
): RecordedEvent | undefined => {
  const there = known.slice(revision + 1, revision + 1 + events.length)
  const same = there.length === events.length && there.every(({ id }, at) => id === events[at]?.id)
  return same ? there.at(-1) : undefined
}

const resultOf = ({ revision, position }: RecordedEvent): Appended => ({ revision, position })

const indexOf = (position: string | undefined): number => {
  const index = Number(position ?? 0)
  if (Number.isSafeInteger(index) && index >= 0) return index
  throw new RangeError(`${position} is not a position of this log.`)
}

const refusePageLimit = (limit: number): void => {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= pageMax))
    throw new RangeError(`A page has 1 to ${pageMax} events, not ${limit}.`)
}

/** The log of tests: what it gives out is frozen, so that nobody can change it in passing. */
export const createMemoryEventStore = (): DisposableEventStore => {
  const log: RecordedEvent[] = []
  const streams = new Map<string, RecordedEvent[]>()
  const sleepers = new Set<() => void>()
  let closed = false

  const refuseClosed = (): void => {
    if (closed) throw new Unavailable('store/closed', 'The store has been closed.')
  }

  const append = (stream: string, events: readonly NewEvent[], expected: Expected): Appended => {
    const known = streams.get(stream) ?? []
    const revision = expected === 'no-stream' ? -1 : expected
    if (known.length - 1 !== revision) {
      const first = repeated(known, events, revision)
      if (first === undefined) throw new VersionConflict(stream)
      return resultOf(first)
    }
    const recorded = events.map((event, at) =>
      recordedOf(event, {
        stream,
        revision: revision + 1 + at,
        position: String(log.length + 1 + at),
      }),
    )
    log.push(...recorded)
    streams.set(stream, [...known, ...recorded])
    return resultOf(recorded.at(-1) as RecordedEvent)
  }

  const readPage = (after: string | undefined, limit: number): LogPage => {
    const from = indexOf(after)
    const events = log.slice(from, from + limit)
    return {
      events,
      checkpoint: events.at(-1)?.position ?? String(from),
      atHead: from + events.length >= log.length,
    }
  }

  const wake = (): void => {
    for (const resume of [...sleepers]) resume()
  }

  const moreThan = (position: string, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (log.length > indexOf(position) || signal.aborted || closed) return resolve()
      const resume = (): void => {
        sleepers.delete(resume)
        signal.removeEventListener('abort', resume)
        resolve()
      }
      sleepers.add(resume)
      signal.addEventListener('abort', resume)
    })

  async function* follow(after: string | undefined, limit: number, signal: AbortSignal) {
    let checkpoint = after
    while (!signal.aborted) {
      refuseClosed()
      const page = readPage(checkpoint, limit)
      checkpoint = page.checkpoint
      if (page.events.length > 0) yield page
      else await moreThan(checkpoint, signal)
    }
  }

  return {
    logId: randomUUID(),
    append: async (stream, events, { expected }) => {
      refuseClosed()
      refuseAppend(stream, events, expected)
      const appended = append(stream, events, expected)
      // Nobody hears of an event before its append could have been answered.
      queueMicrotask(wake)
      return appended
    },
    read: async (stream, { after = -1 } = {}) => {
      refuseClosed()
      return (streams.get(stream) ?? []).slice(after + 1)
    },
    readAll: async ({ after, limit }) => {
      refuseClosed()
      refusePageLimit(limit)
      return readPage(after, limit)
    },
    subscribe: ({ after, limit = 1_000, signal }) => {
      refusePageLimit(limit)
      return follow(after, limit, signal)
    },
    head: async () => log.at(-1)?.position,
    comparePositions: (a, b) => indexOf(a) - indexOf(b),
    [Symbol.asyncDispose]: async () => {
      closed = true
      wake()
    },
  }
}
