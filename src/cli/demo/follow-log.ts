import type { FailedData } from '#domain/notification/events.ts'
import { evolve } from '#domain/notification/evolve.ts'
import type { Notification } from '#domain/notification/state.ts'
import { isOpen, statusOf } from '#domain/notification/status.ts'
import type { RecordedFact } from '#domain/recorded-fact.ts'
import type { ApiClient } from './api-client.ts'
import type { Recorded } from './tally.ts'

interface LogEvent extends RecordedFact {
  readonly stream: string
  readonly position: string
}

const prefix = 'notification-'

/** Reads the service's log over HTTP and folds it as the service does, in a process of its own. */
export interface LogFollower extends Recorded {
  /** Reads on to the head of the log; breaks off in silence when the service goes away meanwhile. */
  poll(): Promise<void>
  /** Notifications that are neither finished nor parked. */
  readonly open: number
  readonly events: number
}

export const createLogFollower = (api: ApiClient, signal: AbortSignal): LogFollower => {
  const notifications = new Map<string, Notification>()
  const ambiguous = new Map<string, Set<number>>()
  let after: string | undefined
  let events = 0

  const take = (event: LogEvent): void => {
    after = event.position
    if (!event.stream.startsWith(prefix)) return
    const id = event.stream.slice(prefix.length)
    const state = evolve(notifications.get(id), event)
    if (state) notifications.set(id, state)
    if (event.type !== 'NotificationFailed') return
    const { deliveryId, attempt, outcome } = event.data as unknown as FailedData
    if (outcome !== 'ambiguous') return
    // A later receipt may say what became of it; that it was not known stays recorded.
    const key = `${id}.${deliveryId}`
    ambiguous.set(key, (ambiguous.get(key) ?? new Set()).add(attempt))
  }

  const page = async (): Promise<number> => {
    const path = `/v1/events${after === undefined ? '' : `?after=${encodeURIComponent(after)}`}`
    const { status, lines } = await api.stream('GET', path)
    let count = 0
    for await (const line of lines) {
      if (status !== 200) throw new Error(line)
      take(JSON.parse(line) as LogEvent)
      count += 1
    }
    events += count
    return count
  }

  return {
    notifications,
    ambiguous,
    get events() {
      return events
    },
    get open() {
      let open = 0
      for (const state of notifications.values()) if (isOpen(statusOf(state))) open += 1
      return open
    },
    async poll() {
      try {
        while ((await page()) > 0) signal.throwIfAborted()
      } catch {
        // Killed while it answered: what was read stays read, the next poll goes on behind it.
        signal.throwIfAborted()
      }
    },
  }
}
