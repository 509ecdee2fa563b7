import type { FailedData } from '#domain/notification/events.ts'
import { evolve } from '#domain/notification/evolve.ts'
import type { Notification } from '#domain/notification/state.ts'
import { isOpen, statusOf } from '#domain/notification/status.ts'
import { type ApiClient, isPassing } from './api-client.ts'
import { DemoFailure } from './failure.ts'
import type { Recorded } from './tally.ts'

/** A line of `GET /v1/events`. */
interface LogEvent {
  readonly type: string
  readonly schemaVersion: number
  readonly stream: string
  readonly revision: number
  readonly position: string
  readonly at: string
  readonly data: Readonly<Record<string, unknown>>
}

/** The last line of a page. */
interface PageEnd {
  readonly resumeAfter: string
  readonly atHead: boolean
}

const prefix = 'notification-'

const refused = (status: number, text: string): Error =>
  isPassing(status)
    ? new Error(text)
    : new DemoFailure(`GET /v1/events answered ${status}: ${text.slice(0, 500)}`)

/** Reads the service's log over HTTP and folds it as the service does, in a process of its own. */
export interface LogFollower extends Recorded {
  /** Reads on to the head of the log; breaks off in silence when the service goes away. */
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
    events += 1
    after = event.position
    if (!event.stream.startsWith(prefix)) return
    const id = event.stream.slice(prefix.length)
    const state = evolve(notifications.get(id), { ...event, metadata: { at: event.at } })
    if (state) notifications.set(id, state)
    if (event.type !== 'NotificationFailed') return
    const { deliveryId, attempt, outcome } = event.data as unknown as FailedData
    if (outcome !== 'ambiguous') return
    // A later receipt may say what became of it; that it was not known stays recorded.
    const key = `${id}.${deliveryId}`
    ambiguous.set(key, (ambiguous.get(key) ?? new Set()).add(attempt))
  }

  /** Whether the log has been read to its head. */
  const page = async (): Promise<boolean> => {
    const path = `/v1/events${after === undefined ? '' : `?after=${encodeURIComponent(after)}`}`
    const { status, lines } = await api.stream('GET', path)
    let end: PageEnd | undefined
    for await (const text of lines) {
      if (status !== 200) throw refused(status, text)
      const line = JSON.parse(text) as LogEvent | PageEnd
      if ('type' in line) take(line)
      else end = line
    }
    if (!end) throw new Error('The page had no last line.')
    after = end.resumeAfter
    return end.atHead
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
        while (!(await page())) signal.throwIfAborted()
      } catch (error) {
        if (error instanceof DemoFailure) throw error
        // Killed while it answered: what was read stays read, the next poll goes on behind it.
        signal.throwIfAborted()
      }
    },
  }
}
