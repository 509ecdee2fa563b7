import type { Readable } from 'node:stream'
import {
  BACKWARDS,
  END,
  FORWARDS,
  type ReadRevision,
  type ResolvedEvent,
  START,
} from '@eventstore/db-client'
import type { Clock } from '#ports/clock.ts'
import type { LogPage, RecordedEvent } from '#ports/event-store.ts'
import type { Random } from '#ports/random.ts'
import { decodeEvent, isOurStream, positionOf } from './envelope.ts'
import { accessDenied, closed, isAbsent, isAccessDenied, NoAnswer, noAnswer } from './failures.ts'
import type { Gate } from './gate.ts'
import type { NodeClient } from './node-client.ts'
import { formatPosition, isAfter, later, type Position } from './positions.ts'
import type { RenewingClient } from './renewing-client.ts'
import { backoffMs, isSettled, type Timing } from './timing.ts'

export interface Reading {
  readonly clients: RenewingClient
  readonly gate: Gate
  readonly clock: Clock
  readonly random: Random
  readonly timing: Timing
  readonly signal: AbortSignal
  /** Events of others that one page looks through at most before it says how far it came. */
  readonly scanMax: number
}

export interface LogReader {
  /** All of a stream after a revision. Throws for an event in it that is not ours. */
  stream(stream: string, after: number): Promise<readonly RecordedEvent[]>
  page(after: Position | undefined, limit: number): Promise<LogPage>
  /** Of the newest event of ours, whatever others wrote after it. */
  head(): Promise<Position | undefined>
  /** Something of ours stands there: the head is not before it. */
  seen(position: Position): void
}

const streamPage = 1_000
const chunkMax = 4_096
/** The beginning: no event of ours stands there, the server writes records of its own first. */
const origin: Position = { commit: 0n, prepare: 0n }

type ServerStream = Readable & { cancel(): Promise<void> }

/**
 * Hands over all that is read, without a promise for each event. Rejects with the client's error, and with
 * `NoAnswer` when nothing came for `quietMs`: reads have no deadline of their own.
 */
const readThrough = (
  stream: ServerStream,
  clock: Clock,
  quietMs: number,
  onEvent: (resolved: ResolvedEvent) => void,
): Promise<void> => {
  const settled = new AbortController()
  let count = 0
  const finished = new Promise<void>((resolve, reject) => {
    stream.on('data', (resolved: ResolvedEvent) => {
      count++
      try {
        onEvent(resolved)
      } catch (error) {
        reject(error)
      }
    })
    stream.on('end', resolve)
    stream.on('error', reject)
    const watch = async (): Promise<void> => {
      for (let before = -1; before !== count; ) {
        before = count
        await clock.sleep(quietMs, settled.signal)
        if (settled.signal.aborted) return
      }
      reject(new NoAnswer(quietMs))
    }
    void watch()
  })
  return finished
    .finally(() => settled.abort(isSettled))
    .catch((error: unknown) => {
      // Or the server would go on with it.
      void stream.cancel().catch(() => undefined)
      throw error
    })
}

export const createLogReader = (reading: Reading): LogReader => {
  const { clients, gate, clock, random, timing, signal, scanMax } = reading
  let newest: Position | undefined

  const seen = (position: Position): void => {
    newest = later(newest, position)
  }

  /** Reads until it succeeds or the time is over: reading twice does no harm. */
  const persistently = <T>(read: (client: NodeClient) => Promise<T>): Promise<T> => {
    const givenUpAt = clock.monotonic() + timing.callMs
    return gate.run(givenUpAt, async () => {
      for (let failures = 0; ; failures++) {
        const lease = await clients.take()
        try {
          const result = await read(lease.client)
          lease.answered()
          return result
        } catch (error) {
          if (isAccessDenied(error)) throw accessDenied(error)
          if (isAbsent(error) || !(error instanceof Error) || isBug(error)) throw error
          lease.failed()
          const pauseMs = backoffMs(timing.retryMs, timing.retryMaxMs, failures, random)
          if (clock.monotonic() + pauseMs >= givenUpAt) throw noAnswer('a read', error)
          await clock.sleep(pauseMs, signal)
          if (signal.aborted) throw closed()
        } finally {
          lease.release()
        }
      }
    })
  }

  const through = (stream: unknown, onEvent: (resolved: ResolvedEvent) => void): Promise<void> =>
    readThrough(stream as ServerStream, clock, timing.tryMs, onEvent)

  const readStreamPage = (stream: string, fromRevision: ReadRevision) =>
    persistently(async (client) => {
      const events: RecordedEvent[] = []
      const options = { fromRevision, maxCount: streamPage, requiresLeader: true } as const
      await through(client.readStream(stream, { direction: FORWARDS, ...options }), (resolved) => {
        const event = decodeEvent(resolved)
        if (event === undefined) throw new ForeignEvent(stream, resolved)
        events.push(event)
      })
      return events
    })

  interface Chunk {
    readonly own: readonly RecordedEvent[]
    /** How many the server gave, and where the last of them stands. */
    readonly given: number
    readonly last: Position | undefined
  }

  const readChunk = (from: Position | undefined, count: number): Promise<Chunk> =>
    persistently(async (client) => {
      const own: RecordedEvent[] = []
      let given = 0
      let last: Position | undefined
      const stream = client.readAll({
        direction: FORWARDS,
        fromPosition: from ?? START,
        maxCount: count,
        requiresLeader: true,
      })
      await through(stream, (resolved) => {
        given++
        const position = positionOf(resolved)
        if (position === undefined) return
        last = position
        // Reads are inclusive, and a page begins after its position.
        if (from !== undefined && !isAfter(position, from)) return
        if (!isOurStream(resolved.event?.streamId ?? '')) return
        const event = decodeEvent(resolved)
        if (event !== undefined) own.push(event)
      })
      return { own, given, last }
    })

  return {
    seen,

    async stream(stream, after) {
      const events: RecordedEvent[] = []
      for (let from = after + 1; ; ) {
        try {
          const page = await readStreamPage(stream, BigInt(from))
          events.push(...page)
          if (page.length < streamPage) return events
        } catch (error) {
          if (isAbsent(error)) return events
          throw error
        }
        from = (events.at(-1)?.revision ?? from) + 1
      }
    },

    async page(after, limit) {
      const events: RecordedEvent[] = []
      let from = after
      let scanned = 0
      // One more for the event at the position itself, one more to see whether the head is reached.
      for (let count = limit + 2; ; count = Math.min(Math.max(count, 64) * 4, chunkMax)) {
        const { own, given, last } = await readChunk(from, count)
        for (const event of own) if (events.length < limit) events.push(event)
        const kept = events.at(-1)
        const isEnd = given < count
        const isFull = events.length === limit
        if (isEnd || isFull || scanned + given >= scanMax) {
          const atHead = isEnd && kept?.position === (own.at(-1)?.position ?? kept?.position)
          // Of an event of ours wherever there is one: whoever keeps it can find that event again.
          const place = formatPosition((atHead ? after : (last ?? from)) ?? origin)
          return { events, checkpoint: kept?.position ?? place, atHead }
        }
        scanned += given
        from = last ?? from
      }
    },

    async head() {
      let from: Position | typeof END = END
      for (let count = 16; ; count = Math.min(count * 8, chunkMax)) {
        let found: Position | undefined
        let given = 0
        let last: Position | undefined
        const start: Position | typeof END = from
        await persistently(async (client) => {
          found = undefined
          given = 0
          const options = { fromPosition: start, maxCount: count, requiresLeader: true } as const
          await through(client.readAll({ direction: BACKWARDS, ...options }), (resolved) => {
            given++
            last = positionOf(resolved) ?? last
            if (found !== undefined || !isOurStream(resolved.event?.streamId ?? '')) return
            if (decodeEvent(resolved) !== undefined) found = last
          })
        })
        const isKnown = last !== undefined && newest !== undefined && !isAfter(last, newest)
        if (found !== undefined || isKnown || given < count || last === undefined) {
          newest = later(newest, found)
          return newest
        }
        from = last
      }
    },
  }
}

/** A stream whose events are not all ours cannot be decided on. */
class ForeignEvent extends Error {
  override readonly name = 'ForeignEvent'
  constructor(stream: string, { event }: ResolvedEvent) {
    super(`Event ${event?.revision} of ${stream} was not written by Pabal.`)
  }
}

const isBug = (error: Error): boolean =>
  error instanceof ForeignEvent || error instanceof TypeError || error instanceof RangeError
