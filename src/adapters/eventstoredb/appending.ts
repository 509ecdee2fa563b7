import { type EventData, NO_STREAM, type Position } from '@eventstore/db-client'
import type { Clock } from '#ports/clock.ts'
import type { Appended, Expected } from '#ports/event-store.ts'
import type { Random } from '#ports/random.ts'
import { certainFailure, closed, noAnswer } from './failures.ts'
import type { NodeClient } from './node-client.ts'
import { formatPosition } from './positions.ts'
import type { RenewingClient } from './renewing-client.ts'
import { backoffMs, type Timing, within } from './timing.ts'

export interface AppendCall {
  readonly stream: string
  readonly events: EventData[]
  readonly expected: Expected
}

export interface Appending {
  readonly clients: RenewingClient
  readonly clock: Clock
  readonly random: Random
  readonly timing: Timing
  /** Fires when the store is being closed. */
  readonly signal: AbortSignal
}

/** The client's timer is to be first: it also frees what the client holds. */
const ownTimerMs = 250

const positionOf = async (
  client: NodeClient,
  call: AppendCall,
  revision: bigint,
): Promise<Position> => {
  // Not said by every server: then the event itself says it.
  const read = client.readStream(call.stream, {
    fromRevision: revision,
    maxCount: 1,
    requiresLeader: true,
  })
  let found: Position | undefined
  for await (const { event } of read) found = event?.position
  if (found !== undefined) return found
  throw new Error('An event that was appended cannot be read.')
}

const attempt = async (client: NodeClient, call: AppendCall, tryMs: number): Promise<Appended> => {
  const { stream, events, expected } = call
  const { nextExpectedRevision, position } = await client.appendToStream(stream, events, {
    expectedRevision: expected === 'no-stream' ? NO_STREAM : BigInt(expected),
    requiresLeader: true,
    deadline: client.appendDeadline(tryMs),
  })
  const at = position ?? (await positionOf(client, call, nextExpectedRevision))
  return { revision: Number(nextExpectedRevision), position: formatPosition(at) }
}

/**
 * Asks until it is known what became of the append: always with the same ids at the same revision, by which
 * the server recognises it. Throws `VersionConflict`, `EventTooLarge`, or `Unavailable` when the time is over.
 */
export const appendUntilKnown = async (
  appending: Appending,
  call: AppendCall,
  givenUpAt: number,
): Promise<Appended> => {
  const { clients, clock, random, timing, signal } = appending
  const { tryMs, retryMs, retryMaxMs } = timing

  for (let failures = 0; ; failures++) {
    const lease = await clients.take()
    try {
      const answer = attempt(lease.client, call, tryMs)
      const appended = await within(clock, tryMs + ownTimerMs, answer)
      lease.answered()
      return appended
    } catch (error) {
      const certain = certainFailure(error, call.stream)
      if (certain === undefined) lease.failed()
      else {
        lease.answered()
        throw certain
      }
      const pauseMs = backoffMs(retryMs, retryMaxMs, failures, random)
      if (clock.monotonic() + pauseMs >= givenUpAt) throw noAnswer('an append', error)
      await clock.sleep(pauseMs, signal)
      if (signal.aborted) throw closed()
    } finally {
      lease.release()
    }
  }
}
