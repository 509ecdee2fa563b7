import type { NotificationStatus } from '#domain/notification/status.ts'
import {
  accepted,
  cancelled,
  deferred,
  delivered,
  dispatched,
  expired,
  type Fact,
  failed,
  hour,
  iso,
  minute,
  parked,
  redriven,
  requested,
  resolved,
  routed,
  second,
  suppressed,
  t0,
  unconfirmed,
} from '../../support/given.ts'

/** A place where a notification with (at most) one delivery can be. */
export interface NamedState {
  readonly facts: readonly Fact[]
  readonly status: NotificationStatus | 'absent'
  /** When something has to happen next, after the request; with what. Absent: never. */
  readonly due?: readonly [afterMs: number, action: string]
}

const whole = { deliveries: [] }
const permanent = failed(1, { outcome: 'permanent', code: '21211', final: true })
const sent = [requested(), routed(), dispatched()]
const resolveAt = 15 * second + 15 * second
const parkAt = 72 * hour
const threeLost = [
  ...[...sent, resolved(1), dispatched(2), resolved(2)],
  ...[dispatched(3), resolved(3, { retryAt: undefined })],
]

/** Every state: a new one needs a row in each table that goes over them. */
export const states: Readonly<Record<string, NamedState>> = {
  absent: { facts: [], status: 'absent' },
  requested: { facts: [requested()], status: 'requested', due: [0, 'route'] },
  scheduled: {
    facts: [requested({ sendAt: iso(t0 + 2 * hour) })],
    status: 'scheduled',
    due: [2 * hour, 'route'],
  },
  'deferred before routing': {
    facts: [requested(), deferred(whole)],
    status: 'deferred',
    due: [hour, 'route'],
  },
  'expired before routing': {
    facts: [requested({ expiresAt: iso(t0 + hour) }), expired(whole)],
    status: 'expired',
  },
  'parked before routing': { facts: [requested(), parked(whole)], status: 'parked' },
  'cancelled before routing': { facts: [requested(), cancelled(whole)], status: 'cancelled' },
  'redriven before routing': {
    facts: [requested(), parked(whole), redriven(whole)],
    status: 'requested',
    due: [0, 'route'],
  },
  'routed to nobody': { facts: [requested(), routed(whole)], status: 'suppressed' },
  routed: { facts: [requested(), routed()], status: 'routed', due: [0, 'dispatch'] },
  deferred: {
    facts: [requested(), routed(), deferred()],
    status: 'deferred',
    due: [hour, 'dispatch'],
  },
  dispatched: { facts: sent, status: 'dispatched', due: [minute + resolveAt, 'resolve'] },
  'dispatched again': {
    facts: [...sent, failed(1), dispatched(2)],
    status: 'dispatched',
    due: [2 * minute + resolveAt, 'resolve'],
  },
  'cancelled while dispatched': {
    facts: [...sent, cancelled({ ...whole, at: t0 + minute + second })],
    status: 'dispatched',
    due: [minute + resolveAt, 'resolve'],
  },
  retrying: { facts: [...sent, failed(1)], status: 'retrying', due: [2 * minute, 'dispatch'] },
  'retrying after no answer': {
    facts: [...sent, resolved(1)],
    status: 'retrying',
    due: [2 * minute, 'dispatch'],
  },
  'deferred while retrying': {
    facts: [...sent, failed(1), deferred({ at: t0 + 2 * minute })],
    status: 'deferred',
    due: [hour, 'dispatch'],
  },
  'given up': {
    facts: threeLost,
    status: 'retrying',
    due: [3 * minute + 30 * second, 'park'],
  },
  accepted: {
    facts: [...sent, accepted(1)],
    status: 'accepted',
    due: [minute + second + 10 * hour, 'unconfirm'],
  },
  'cancelled after accepted': {
    facts: [...sent, accepted(1), cancelled(whole)],
    status: 'accepted',
    due: [minute + second + 10 * hour, 'unconfirm'],
  },
  delivered: { facts: [...sent, accepted(1), delivered(1)], status: 'delivered' },
  'delivered while dispatched again': {
    facts: [...sent, resolved(1), dispatched(2), delivered(1)],
    status: 'delivered',
  },
  unconfirmed: { facts: [...sent, accepted(1), unconfirmed(1)], status: 'unconfirmed' },
  failed: { facts: [...sent, permanent], status: 'failed' },
  unknown: {
    facts: [
      ...[requested({ noResend: true }), routed(), dispatched()],
      resolved(1, { final: true, retryAt: undefined }),
    ],
    status: 'unknown',
  },
  suppressed: { facts: [...sent, suppressed(1)], status: 'suppressed' },
  expired: {
    facts: [requested({ expiresAt: iso(t0 + hour) }), routed(), expired()],
    status: 'expired',
  },
  parked: { facts: [...threeLost, parked()], status: 'parked' },
  cancelled: { facts: [requested(), routed(), cancelled()], status: 'cancelled' },
  redriven: {
    facts: [...sent, permanent, redriven()],
    status: 'routed',
    due: [3 * hour, 'dispatch'],
  },
  'open until it is too late': {
    facts: [requested(), routed(), deferred({ until: iso(t0 + 100 * hour) })],
    status: 'deferred',
    due: [parkAt, 'park'],
  },
  'deferred past its end': {
    facts: [
      requested({ expiresAt: iso(t0 + hour) }),
      routed(),
      deferred({ until: iso(t0 + 2 * hour) }),
    ],
    status: 'deferred',
    due: [hour, 'expire'],
  },
}

export type StateName = keyof typeof states & string
