import { type Lane, lanes, type Priority } from '#domain/notification/events.ts'
import { evolve } from '#domain/notification/evolve.ts'
import { dueTimes } from '#domain/notification/next.ts'
import type { Notification } from '#domain/notification/state.ts'
import { statusOf } from '#domain/notification/status.ts'
import type { Projection } from '../projection.ts'

/** What the relay publishes is due this much later: by then it has been done, or its hint was lost. */
export const hintGraceMs = 30_000

/** The status of each notification, and the agenda: by when something must happen next, per lane. */
export type NotificationDocument = {
  readonly app: string
  readonly status: string
  readonly requestedAt: number
  readonly priority: Priority
  readonly userId?: string
  readonly due: Readonly<Partial<Record<Lane, number>>>
  /** Absent only when the very first event could not be folded. */
  readonly state?: Notification
  /** An event could not be folded: the rest is as it was before it. */
  readonly stale?: string
  readonly staleRevision?: number
}

const finish = (body: NotificationDocument): NotificationDocument => {
  const { state } = body
  if (!state || body.stale !== undefined) return body
  const { recipient } = state
  return {
    app: state.app,
    status: statusOf(state),
    requestedAt: state.requestedAt,
    priority: state.priority,
    ...(recipient.kind === 'user' && { userId: recipient.userId }),
    due: dueTimes(state, hintGraceMs),
    state,
  }
}

/** What comes after these takes no longer than a provider does, if nothing goes wrong. */
const steps: ReadonlySet<string> = new Set([
  'NotificationRequested',
  'NotificationRouted',
  'NotificationDispatched',
])

const unfolded = { app: '', status: '', requestedAt: 0, priority: 'normal', due: {} } as const

export const notificationsProjection: Projection<NotificationDocument> = {
  name: 'notifications',
  version: 1,
  indexes: [
    { name: 'by_app', fields: ['app', 'requestedAt'] },
    { name: 'by_user', fields: ['app', 'userId', 'requestedAt'] },
    { name: 'by_status', fields: ['app', 'status', 'requestedAt'] },
    ...lanes.map((lane) => ({ name: `due_${lane}`, fields: [`due.${lane}`], partial: true })),
  ],

  fromFirst: true,
  idOf: (event) =>
    event.stream.startsWith('notification-')
      ? event.stream.slice('notification-'.length)
      : undefined,

  evolve(body, event) {
    if (body?.stale !== undefined) {
      // A person has been told; there is nothing more to be done on time.
      if (event.type !== 'NotificationParked') return body
      return { ...body, status: 'parked', due: {} }
    }
    const state = evolve(body?.state, event)
    return state && { ...(body ?? unfolded), state }
  },

  finish,

  classOf: (body) => body.status,

  moreFollows: (event) => steps.has(event.type),

  /** Kept due, so that the handler that cannot fold it either parks it. */
  poisoned(body, event, error) {
    const at = Date.parse(event.metadata.at)
    const known = body ?? { ...unfolded, app: event.metadata.app, requestedAt: at }
    return {
      ...known,
      status: known.status || 'requested',
      due: { route: at },
      stale: error,
      staleRevision: event.revision,
    }
  },
}
