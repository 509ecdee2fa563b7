import { refuseAppend } from '#ports/append-rules.ts'
import type { Clock } from '#ports/clock.ts'
import { StartRefused } from '#ports/errors.ts'
import type { DisposableEventStore } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import type { Random } from '#ports/random.ts'
import { appendUntilKnown } from './appending.ts'
import { takeBatchAppends } from './batch-appends.ts'
import { parseConnectionUrl } from './connection-url.ts'
import { encodeEvents, identityStream, isOurStream } from './envelope.ts'
import { closed, isAccessDenied } from './failures.ts'
import { follow } from './following.ts'
import { createGate } from './gate.ts'
import { identify } from './log-identity.ts'
import { type AppendKind, NodeClient } from './node-client.ts'
import { comparePositions, formatPosition, parsePosition } from './positions.ts'
import { createLogReader } from './reading.ts'
import { createRenewingClient, type RenewingClient } from './renewing-client.ts'
import { backoffMs, type Timing, timingDefault, within } from './timing.ts'

export interface EventStoreDbOptions {
  /** `esdb://`, `esdb+discover://`, `kurrentdb://` or `kurrentdb+discover://`. */
  readonly url: string
  /**
   * `classic`: one call for each append. `batch`: one call for all, twice as fast, with defects of the client
   * that only one such store in a process can be kept safe from.
   */
  readonly append: AppendKind
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly timing?: Partial<Timing>
  /** Events of other programs that one page of the log looks through at most; default 100,000. */
  readonly scanMax?: number
}

/** A connection carries 100 calls at once; beyond that the client itself queues them, without an order. */
const callsMax = 90
const waitingMax = 20_000
const pageMax = 10_000
const pageDefault = 1_000
const scanDefault = 100_000

const refusePageLimit = (limit: number): void => {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= pageMax))
    throw new RangeError(`A page has 1 to ${pageMax} events, not ${limit}.`)
}

/** What is written elsewhere would be seen by no subscription. */
const refuseStream = (stream: string): void => {
  if (!isOurStream(stream))
    throw new RangeError(
      `${stream} is not a stream of a kind that is known here: add its prefix to streamPrefixes.`,
    )
}

const learnLogId = async (
  clients: RenewingClient,
  options: EventStoreDbOptions,
  timing: Timing,
  display: string,
): Promise<string> => {
  const { clock, random } = options
  const givenUpAt = clock.monotonic() + timing.callMs
  for (let failures = 0; ; failures++) {
    const lease = await clients.take()
    try {
      return await within(clock, timing.tryMs, identify(lease.client, random, timing.tryMs))
    } catch (error) {
      lease.failed()
      if (isAccessDenied(error))
        throw new StartRefused(
          'eventstore/access-denied',
          `${display} refuses our user: check the user and password in PABAL_EVENTSTORE_URL.`,
          { cause: error },
        )
      const pauseMs = backoffMs(timing.retryMs, timing.retryMaxMs, failures, random)
      if (clock.monotonic() + pauseMs >= givenUpAt)
        throw new StartRefused(
          'eventstore/unreachable',
          `${display} does not answer as a leader: check PABAL_EVENTSTORE_URL and whether it runs.`,
          { cause: error },
        )
      await clock.sleep(pauseMs)
    } finally {
      lease.release()
    }
  }
}

/**
 * The log of a cluster. Throws `StartRefused` (`eventstore/…`) when it cannot be used. Closing waits for the
 * appends on their way, up to `closeMs`.
 *
 * `head()` is the newest event of ours: what other programs and the server write after it is never pending.
 */
export const openEventStoreDb = async (
  options: EventStoreDbOptions,
): Promise<DisposableEventStore> => {
  const { append, clock, random, log } = options
  const timing: Timing = { ...timingDefault, ...options.timing }
  const connection = parseConnectionUrl(options.url)
  const giveBack = append === 'batch' ? takeBatchAppends() : () => undefined
  const closing = new AbortController()

  const clientsFor = (purpose: 'append' | 'read'): RenewingClient =>
    createRenewingClient({
      make: () => new NodeClient({ connection, append, purpose }),
      alone: purpose === 'append' && append === 'batch',
      renewMs: timing.renewMs,
      clock,
      log,
    })
  const writers = clientsFor('append')
  const readers = clientsFor('read')
  const gateOf = () => createGate({ slots: callsMax, waitingMax, clock })
  const writing = gateOf()
  const shared = { clock, random, timing, signal: closing.signal }
  const reading = {
    clients: readers,
    gate: gateOf(),
    scanMax: options.scanMax ?? scanDefault,
    ...shared,
  }
  const reader = createLogReader(reading)

  const close = async (): Promise<void> => {
    closing.abort()
    await Promise.all([writers.close(), readers.close()])
    giveBack()
  }

  const refuseClosed = (): void => {
    if (isClosed) throw closed()
  }
  let isClosed = false
  let logId: string
  try {
    logId = await learnLogId(writers, options, timing, connection.display)
  } catch (error) {
    await close()
    throw error
  }

  return {
    logId,
    append: async (stream, events, { expected }) => {
      refuseClosed()
      refuseAppend(stream, events, expected)
      refuseStream(stream)
      const call = { stream, events: encodeEvents(events), expected }
      const givenUpAt = clock.monotonic() + timing.callMs
      const appended = await writing.run(givenUpAt, () =>
        appendUntilKnown({ clients: writers, ...shared }, call, givenUpAt),
      )
      reader.seen(parsePosition(appended.position))
      return appended
    },
    read: async (stream, { after = -1 } = {}) => {
      refuseClosed()
      return stream === identityStream ? [] : reader.stream(stream, after)
    },
    readAll: async ({ after, limit }) => {
      refuseClosed()
      refusePageLimit(limit)
      return reader.page(after === undefined ? undefined : parsePosition(after), limit)
    },
    subscribe: ({ after, limit = pageDefault, signal }) => {
      refusePageLimit(limit)
      return follow({ reading, reader, log, after, limit, signal })
    },
    head: async () => {
      refuseClosed()
      const position = await reader.head()
      return position === undefined ? undefined : formatPosition(position)
    },
    comparePositions,
    [Symbol.asyncDispose]: async () => {
      if (isClosed) return
      isClosed = true
      await within(clock, timing.closeMs, writing.idle()).catch(() => {
        log.warn('The event store was closed while appends waited for their answer.')
      })
      await close()
    },
  }
}
