import type { Notification } from '#domain/notification/state.ts'
import { isOpen, statusOf } from '#domain/notification/status.ts'
import type { StoredDocument } from '#ports/document-store.ts'
import type { NotificationDocument } from '#projections/notifications/notifications.ts'

/** After the read models were dropped: how long until everything that was open had its due time again. */
export interface Recovery {
  /** Notifications that were open when the read models were gone. */
  readonly open: number
  /** `undefined`: some are still without. */
  readonly tookMs: number | undefined
  /** Up to ten that are still without. */
  readonly missing: readonly string[]
}

/** The promise: within five minutes. */
export const timersBackWithinMs = 300_000

interface Watched {
  readonly sinceMs: number
  readonly open: number
  /** Those without a due time, with the revision that their document must hold. */
  readonly left: Map<string, number>
  tookMs: number | undefined
}

/**
 * Of each notification that was open at a drop: its timers are back when the agenda holds a due time for
 * it that knows at least what had happened by then, or when it has come to its end without.
 */
export interface TimerWatch {
  /** The read models were dropped at `nowMs`; `notifications` as the log tells them. */
  dropped(notifications: ReadonlyMap<string, Notification>, nowMs: number): void
  /** Ids that somebody still waits for. */
  readonly waiting: readonly string[]
  /** What log and read model say of those at `nowMs`. */
  look(
    notifications: ReadonlyMap<string, Notification>,
    documents: ReadonlyMap<string, StoredDocument>,
    nowMs: number,
  ): void
  readonly recoveries: readonly Recovery[]
}

const shownMax = 10

const isOver = (notification: Notification | undefined): boolean =>
  notification !== undefined && !isOpen(statusOf(notification))

/** A due time, or a document that says that none is needed any more. */
const isBack = (document: StoredDocument | undefined, revision: number): boolean => {
  if (!document || document.version < revision) return false
  const { due, state } = document.body as NotificationDocument
  return Object.keys(due).length > 0 || isOver(state)
}

export const createTimerWatch = (): TimerWatch => {
  const watched: Watched[] = []
  return {
    dropped(notifications, nowMs) {
      const open = [...notifications].filter(([, notification]) => !isOver(notification))
      const left = new Map(open.map(([id, { revision }]) => [id, revision]))
      watched.push({
        sinceMs: nowMs,
        open: left.size,
        left,
        tookMs: left.size === 0 ? 0 : undefined,
      })
    },
    get waiting() {
      return [...new Set(watched.flatMap(({ left }) => [...left.keys()]))]
    },
    look(notifications, documents, nowMs) {
      for (const each of watched) {
        for (const [id, revision] of each.left) {
          if (isOver(notifications.get(id)) || isBack(documents.get(id), revision))
            each.left.delete(id)
        }
        if (each.left.size === 0) each.tookMs ??= nowMs - each.sinceMs
      }
    },
    get recoveries() {
      return watched.map(({ open, tookMs, left }) => {
        return { open, tookMs, missing: [...left.keys()].slice(0, shownMax) }
      })
    },
  }
}

/** What is wrong with a recovery; `undefined`: nothing. */
export const lateness = ({ open, tookMs, missing }: Recovery): string | undefined => {
  if (tookMs !== undefined && tookMs <= timersBackWithinMs) return undefined
  const limit = `${timersBackWithinMs / 60_000} minutes`
  return tookMs === undefined
    ? `Of ${open} open notifications some had no due time within ${limit} of a drop: ${missing.join(', ')}`
    : `The due times of ${open} open notifications came back after ${Math.round(tookMs / 1_000)} s, not within ${limit}.`
}
