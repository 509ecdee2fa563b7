import { type Lane, lanes, type Priority } from '#domain/notification/events.ts'
import { evolve, refuseUnknown } from '#domain/notification/evolve.ts'
import { dueTimes } from '#domain/notification/next.ts'
import type { Notification } from '#domain/notification/state.ts'
import { isOpen, type NotificationStatus, statusOf } from '#domain/notification/status.ts'
import type { Projection } from '../projection.ts'

/** What the relay publishes is due this much later: by then it has been done, or its hint was lost. */
export const hintGraceMs = 30_000

export interface Unfinished {
  readonly as: 'open' | 'parked'
  readonly since: number
}

/** The status of each notification, and the agenda: by when something must happen next, per lane. */
export type NotificationDocument = {
  readonly app: string
  readonly status: string
  readonly requestedAt: number
  readonly priority: Priority
  readonly userId?: string
  readonly due: Readonly<Partial<Record<Lane, number>>>
  /** Absent when it is finished. `since`: when it was requested. */
  readonly unfinished?: Unfinished
  /** Absent only when the very first event could not be folded. */
  readonly state?: Notification
  /** An event could not be folded: the rest is as it was before it. */
  readonly stale?: string
  readonly staleRevision?: number
}

const unfinishedOf = (
  status: NotificationStatus,
  since: number,
): Pick<NotificationDocument, 'unfinished'> => {
  if (isOpen(status)) return { unfinished: { as: 'open', since } }
  return status === 'parked' ? { unfinished: { as: 'parked', since } } : {}
}

const finish = (body: NotificationDocument): NotificationDocument => {
  const { state } = body
  if (!state || body.stale !== undefined) return body
  const { recipient } = state
  const status = statusOf(state)
  return {
    app: state.app,
    status,
    requestedAt: state.requestedAt,
    priority: state.priority,
    ...(recipient.kind === 'user' && { userId: recipient.userId }),
    due: dueTimes(state, hintGraceMs),
    ...unfinishedOf(status, state.requestedAt),
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
  version: 2,
  indexes: [
    { name: 'by_app', fields: ['app', 'requestedAt'] },
    { name: 'by_user', fields: ['app', 'userId', 'requestedAt'] },
    { name: 'by_status', fields: ['app', 'status', 'requestedAt'] },
    { name: 'unfinished', fields: ['unfinished.as', 'unfinished.since'], partial: true },
    ...lanes.map((lane) => ({ name: `due_${lane}`, fields: [`due.${lane}`], partial: true })),
  ],

  fromFirst: true,
  idOf: (event) =>
    event.stream.startsWith('notification-')
      ? event.stream.slice('notification-'.length)
      : undefined,

  evolve(body, event) {
    if (body?.stale !== undefined) {
      refuseUnknown(event)
      // A person has been told; there is nothing more to be done on time.
      if (event.type !== 'NotificationParked') return body
      const unfinished = { as: 'parked', since: body.requestedAt } as const
      return { ...body, status: 'parked', due: {}, unfinished }
    }
    const state = evolve(body?.state, event)
    return state && { ...(body ?? unfolded), state }
  },

  finish,

  classOf: (body) => body.status,

  moreFollows: (event) => steps.has(event.type),

  wholeStream: {
    streamOf: (id) => `notification-${id}`,
    isOpen: ({ unfinished }) => unfinished?.as === 'open',
  },

  /** Kept due, so that the handler that cannot fold it either parks it. */
  poisoned(body, event, error) {
    const at = Date.parse(event.metadata.at)
    // What came before it in the same page was folded, but not finished yet.
    const known = body ? finish(body) : { ...unfolded, app: event.metadata.app, requestedAt: at }
    return {
      ...known,
      status: known.status || 'requested',
      due: { route: at },
      unfinished: { as: 'open', since: known.requestedAt },
      stale: error,
      staleRevision: event.revision,
    }
  },
}
