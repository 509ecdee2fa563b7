import type { Notification } from '#domain/notification/state.ts'
import {
  deliveryStatus,
  isOpen,
  type NotificationStatus,
  statusOf,
} from '#domain/notification/status.ts'
import type { Held } from './sending.ts'
import type { Sends } from './sends.ts'

/** What the log says, folded: by notification id, and by `<notificationId>.<deliveryId>`. */
export interface Recorded {
  readonly notifications: ReadonlyMap<string, Notification>
  /** Attempts that were recorded as ambiguous at any time. */
  readonly ambiguous: ReadonlyMap<string, ReadonlySet<number>>
}

const outcomes = [
  'delivered',
  'unconfirmed',
  'suppressed',
  'failed',
  'expired',
  'parked',
  'pending',
  'lost',
] as const
export type OutcomeName = (typeof outcomes)[number]

/** The keys of the line that `--json` ends with, in its order. */
export interface Tally extends Readonly<Record<OutcomeName, number>> {
  readonly accepted: number
  readonly replayed: number
  readonly providerSends: number
  readonly ambiguous: number
  readonly duplicateSends: number
  readonly unexplainedDuplicates: number
  readonly kills: number
  readonly seconds: number
}

const finished: Readonly<Partial<Record<NotificationStatus, OutcomeName>>> = {
  delivered: 'delivered',
  unconfirmed: 'unconfirmed',
  suppressed: 'suppressed',
  // Nobody cancels anything here.
  cancelled: 'suppressed',
  failed: 'failed',
  unknown: 'failed',
  expired: 'expired',
  parked: 'parked',
}

/** The provider has seen what the log calls told; a status of its own invention would be a loss. */
const isBackedByLedger = (id: string, state: Notification, sends: Sends): boolean =>
  state.deliveries.every((delivery) => {
    const status = deliveryStatus(state, delivery)
    if (status !== 'delivered' && status !== 'unconfirmed') return true
    return sends.get(`${id}.${delivery.deliveryId}`)?.answered === true
  })

/** "Not sent" without a reason is not an outcome. */
const hasReason = (state: Notification): boolean =>
  state.deliveries.length > 0 || state.passedOver.length > 0

/** What became of one notification that the client holds a 202 for. */
export const outcomeOf = (
  id: string,
  state: Notification | undefined,
  sends: Sends,
): OutcomeName => {
  if (!state) return 'lost'
  const status = statusOf(state)
  if (isOpen(status)) return 'pending'
  if (status === 'suppressed' && !hasReason(state)) return 'lost'
  return isBackedByLedger(id, state, sends) ? finished[status]! : 'lost'
}

/** Deliveries that were sent more often than the attempts whose fate was not known can explain. */
export const unexplainedDuplicates = (sends: Sends, recorded: Recorded): readonly string[] =>
  [...sends]
    .filter(([key, { taken }]) => taken - 1 > (recorded.ambiguous.get(key)?.size ?? 0))
    .map(([key]) => key)

export const tally = (about: {
  readonly held: Held
  readonly recorded: Recorded
  readonly sends: Sends
  readonly ledger: { readonly requests: number; readonly duplicateSends: number }
  readonly kills: number
  readonly seconds: number
}): Tally => {
  const { held, recorded, sends, ledger, kills, seconds } = about
  const counts = Object.fromEntries(outcomes.map((name) => [name, 0])) as Record<
    OutcomeName,
    number
  >
  for (const id of held.accepted.values()) {
    counts[outcomeOf(id, recorded.notifications.get(id), sends)] += 1
  }
  let ambiguous = 0
  for (const attempts of recorded.ambiguous.values()) ambiguous += attempts.size
  return {
    accepted: held.accepted.size,
    replayed: held.replayed,
    ...counts,
    providerSends: ledger.requests,
    ambiguous,
    duplicateSends: ledger.duplicateSends,
    unexplainedDuplicates: unexplainedDuplicates(sends, recorded).length,
    kills,
    seconds,
  }
}

/** Nothing lost, nothing left over, nothing said twice without a record of why. */
export const isClean = ({ lost, pending, unexplainedDuplicates: unexplained }: Tally): boolean =>
  lost === 0 && pending === 0 && unexplained === 0
