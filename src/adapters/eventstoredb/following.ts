import type { LogPage } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import { closed, isAccessDenied } from './failures.ts'
import { formatPosition, isAfter, type Position, parsePosition } from './positions.ts'
import type { LogReader, Reading } from './reading.ts'
import { openSubscription, type Subscription } from './subscription.ts'
import { backoffMs } from './timing.ts'

export interface Following {
  readonly reading: Reading
  readonly reader: LogReader
  readonly log: Log
  readonly after: string | undefined
  readonly limit: number
  readonly signal: AbortSignal
}

/** Whether the log has gone on without this subscription; the news may still be on its way. */
const isBehind = async (following: Following, subscription: Subscription): Promise<boolean> => {
  try {
    const head = await following.reader.head()
    const place = subscription.place()
    return head !== undefined && (place === undefined || isAfter(head, place))
  } catch (error) {
    // The server does not answer: the subscription will hear of it too.
    following.log.warn('It cannot be told whether a subscription advances.', {
      error: error as Error,
    })
    return false
  }
}

/**
 * Pages without end. A subscription never comes back by itself: whatever ended it, an error, a clean end or
 * a silence while the log goes on, the next one begins where this one stood.
 */
export async function* follow(following: Following): AsyncGenerator<LogPage, void, void> {
  const { reading, reader, log, limit, signal } = following
  const { clients, clock, random, timing } = reading
  const stop = AbortSignal.any([signal, reading.signal])
  let place: Position | undefined =
    following.after === undefined ? undefined : parsePosition(following.after)
  let failures = 0

  while (!stop.aborted) {
    const lease = await clients.take()
    const subscription = openSubscription({
      client: lease.client,
      from: place,
      clock,
      signal: stop,
    })
    try {
      for (let waitMs = timing.quietMs; ; ) {
        const page = await subscription.next(limit, waitMs)
        place = subscription.place()
        if (page === 'over') break
        if (page === 'quiet') {
          if (waitMs === timing.graceMs) {
            log.error('A subscription does not advance though the log does; it is opened anew.', {
              place: place === undefined ? undefined : formatPosition(place),
            })
            break
          }
          waitMs = (await isBehind(following, subscription)) ? timing.graceMs : timing.quietMs
          continue
        }
        waitMs = timing.quietMs
        failures = 0
        lease.answered()
        reader.seen(parsePosition(page.checkpoint))
        yield page
      }
      if (!stop.aborted) log.warn('A subscription ended and is opened anew.')
    } catch (error) {
      lease.failed()
      const tell = isAccessDenied(error) ? log.error : log.warn
      tell.call(log, 'A subscription failed and is opened anew.', { error: error as Error })
    } finally {
      subscription.close()
      lease.release()
    }
    if (stop.aborted) break
    const { resubscribeMs, resubscribeMaxMs } = timing
    await clock.sleep(backoffMs(resubscribeMs, resubscribeMaxMs, failures++, random), stop)
  }
  if (!signal.aborted) throw closed()
}
