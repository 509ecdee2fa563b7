import type { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type AllStreamResolvedEvent, START, streamNameFilter } from '@eventstore/db-client'
import type { Clock } from '#ports/clock.ts'
import type { LogPage, RecordedEvent } from '#ports/event-store.ts'
import { decodeEvent, isOurStream, positionOf, streamPrefixes } from './envelope.ts'
import type { NodeClient } from './node-client.ts'
import { isAfter, later, type Position } from './positions.ts'

/** One subscription of the client, until it ends or fails. */
export interface Subscription {
  /**
   * What has come, at most `limit` events; `quiet`: nothing came for `waitMs`; `over`: it ended or `signal`
   * fired. Throws the error that ended it.
   */
  next(limit: number, waitMs: number): Promise<LogPage | 'quiet' | 'over'>
  /** Nothing that was not handed out yet lies before it. */
  place(): Position | undefined
  /** Ends it at the server too. */
  close(): void
}

/** The server looks through so many events at once for the few that pass. */
const maxSearchWindow = 1_000
/** A page waits so long for more while the subscription catches up. */
const gatherMs = 50
/**
 * Events the client holds ready; a page is seldom larger, and each page costs its follower some round trips.
 * Beyond them the server is made to wait.
 */
const readyMax = 1_000

/** Aborting without a reason makes an exception with its stack: too dear for every event. */
const wokenUp = 'something came'

type ClientSubscription = Readable & { unsubscribe(): Promise<void> }

export const openSubscription = (options: {
  readonly client: NodeClient
  readonly from: Position | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
}): Subscription => {
  const { client, from, clock, signal } = options
  let place = from
  /** Of the server; it runs ahead of what lies in the buffer, and counts only once that is empty. */
  let candidate: Position | undefined
  let isLive = false
  let isOver = false
  let failure: unknown
  /** Only while somebody waits. */
  let waiting: AbortController | undefined

  const stream: ClientSubscription = client.subscribeToAll(
    {
      fromPosition: from ?? START,
      requiresLeader: true,
      filter: streamNameFilter({
        prefixes: [...streamPrefixes],
        maxSearchWindow,
        // Must neither throw nor reject: the subscription would stand still without a word.
        checkpointReached: async (_subscription, position) => {
          candidate = position
        },
      }),
    },
    { highWaterMark: readyMax },
  ) as unknown as ClientSubscription

  const wake = (): void => {
    waiting?.abort(wokenUp)
    waiting = undefined
  }
  const end = (): void => {
    isOver = true
    wake()
  }
  stream.on('readable', wake)
  stream.on('end', end)
  stream.on('close', end)
  stream.on('caughtUp', () => {
    isLive = true
    wake()
  })
  stream.on('fellBehind', () => {
    isLive = false
  })
  // Stays for good: an error nobody listens to ends the process.
  stream.on('error', (error: unknown) => {
    failure ??= error
    end()
  })

  const take = (limit: number): RecordedEvent[] => {
    const events: RecordedEvent[] = []
    while (events.length < limit) {
      const resolved = stream.read() as AllStreamResolvedEvent | null
      if (resolved === null) {
        place = later(place, candidate)
        break
      }
      const position = positionOf(resolved)
      // Given again, or from further back than we are.
      if (position === undefined || (place !== undefined && !isAfter(position, place))) continue
      place = position
      if (!isOurStream(resolved.event?.streamId ?? '')) continue
      const event = decodeEvent(resolved)
      if (event !== undefined) events.push(event)
    }
    return events
  }

  signal.addEventListener('abort', wake)

  const changedWithin = async (waitMs: number): Promise<boolean> => {
    const changed = new AbortController()
    waiting = changed
    await clock.sleep(waitMs, changed.signal)
    if (!changed.signal.aborted) return false
    // Events come one by one; those of the same turn make one page.
    await nextTurn()
    return true
  }

  /**
   * While it catches up more is on its way, and after the last event the word that it was the last: without
   * that word nobody would learn that the head is reached before something else happens.
   */
  const gather = async (events: RecordedEvent[], limit: number): Promise<void> => {
    const givenUpAt = clock.monotonic() + gatherMs
    for (;;) {
      const leftMs = givenUpAt - clock.monotonic()
      if (events.length >= limit || isLive || isOver || signal.aborted || leftMs <= 0) return
      await changedWithin(leftMs)
      events.push(...take(limit - events.length))
    }
  }

  const pageOf = (events: readonly RecordedEvent[]): LogPage => ({
    events,
    // Of an event, never of a checkpoint frame: whoever keeps it can find that event again.
    checkpoint: events.at(-1)?.position ?? '',
    atHead: isLive && stream.readableLength === 0,
  })

  return {
    async next(limit, waitMs) {
      for (let isQuiet = false; ; ) {
        if (signal.aborted) return 'over'
        const events = take(limit)
        if (events.length > 0) {
          await gather(events, limit)
          return pageOf(events)
        }
        if (failure !== undefined) throw failure
        if (isOver) return 'over'
        if (isQuiet) return 'quiet'
        isQuiet = !(await changedWithin(waitMs))
      }
    },
    place: () => place,
    close() {
      signal.removeEventListener('abort', wake)
      // Leaving the iteration alone would leave the call open at the server.
      void stream.unsubscribe().catch(() => undefined)
    },
  }
}
