import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { NodeClient } from './node-client.ts'
import { within } from './timing.ts'

/** A client for one call. */
export interface Lease {
  readonly client: NodeClient
  /** The server answered, whatever it said. */
  answered(): void
  failed(): void
  /** The call is over. */
  release(): void
}

export interface RenewingClient {
  take(): Promise<Lease>
  close(): Promise<void>
}

interface Holder {
  readonly client: NodeClient
  readonly madeAt: number
  calls: number
  failures: number
  retired: boolean
}

/** So many failures in a row, and the client itself is suspected: it remembers some failures for ever. */
const failuresMax = 5
/** An old client is given this long to end its calls before a new one is made in its place. */
const disposeMs = 1_000

/**
 * Hands out a client until it fails too often in a row, then a new one; the old one is closed when its
 * calls have ended. `alone`: there are never two at once, for those that append in batches share what they
 * wait for within the process, and the end of one would end the calls of the other.
 */
export const createRenewingClient = (options: {
  readonly make: () => NodeClient
  readonly alone: boolean
  readonly renewMs: number
  readonly clock: Clock
  readonly log: Log
}): RenewingClient => {
  const { make, alone, renewMs, clock, log } = options
  let closed = false

  const hold = (client: NodeClient): Holder => ({
    client,
    madeAt: clock.monotonic(),
    calls: 0,
    failures: 0,
    retired: false,
  })
  let current: Holder | Promise<Holder> = hold(make())

  const end = (client: NodeClient): Promise<void> =>
    within(clock, disposeMs, client.close()).catch(() => undefined)

  const renew = (old: Holder): void => {
    old.retired = true
    log.warn('The client of the event store failed repeatedly and is renewed.', {
      failures: old.failures,
    })
    if (alone) {
      current = end(old.client).then(() => hold(make()))
      return
    }
    current = hold(make())
    if (old.calls === 0) void end(old.client)
  }

  return {
    async take() {
      const holder = await current
      holder.calls++
      return {
        client: holder.client,
        answered() {
          holder.failures = 0
        },
        failed() {
          holder.failures++
          const isOld = clock.monotonic() - holder.madeAt >= renewMs
          if (holder.failures >= failuresMax && isOld && !holder.retired && !closed) renew(holder)
        },
        release() {
          holder.calls--
          if (holder.retired && holder.calls === 0 && !alone) void end(holder.client)
        },
      }
    },
    async close() {
      closed = true
      await end((await current).client)
    },
  }
}
