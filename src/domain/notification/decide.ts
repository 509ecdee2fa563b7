import { Refusal } from '../recorded-fact.ts'
import type { Command } from './commands.ts'
import type { NotificationEvent } from './events.ts'
import { outcomeEvents, receiptEvents, resolveEvents } from './outcomes.ts'
import type { Delivery, Notification, State } from './state.ts'
import { deliveryStatus, isOpen, isWaiting, statusOf } from './status.ts'

type Decided = readonly NotificationEvent[]
type Order<D extends Command['do']> = Extract<Command, { do: D }>

const existing = (state: State): Notification => {
  if (state === undefined) {
    throw new Refusal('notification/not-found', 'Nothing was requested under this id.')
  }
  return state
}

const deliveryOf = (state: Notification, deliveryId: string): Delivery => {
  const delivery = state.deliveries.find((each) => each.deliveryId === deliveryId)
  if (delivery) return delivery
  throw new Refusal('notification/not-routed', `There is no delivery ${deliveryId}.`)
}

/** A second request is not decided here: the store refuses its append, and the first answer is built anew. */
const request = (state: State, command: Order<'request'>): Decided => {
  if (state !== undefined) return []
  const { sendAt, expiresAt } = command.data
  if (expiresAt !== undefined && sendAt !== undefined && expiresAt <= sendAt) {
    throw new Refusal(
      'notification/expired-before-sent',
      'expiresAt lies before sendAt.',
      '/expiresAt',
    )
  }
  return [{ type: 'NotificationRequested', data: command.data, personal: command.personal }]
}

const route = (state: Notification, command: Order<'route'>): Decided => {
  if (state.routed || !isOpen(statusOf(state))) return []
  const { deliveries, passedOver, locale, localeAsked } = command
  const { priority } = state
  const data = { priority, deliveries, passedOver, locale, ...(localeAsked && { localeAsked }) }
  return [{ type: 'NotificationRouted', data }]
}

/** The fence: written before the first byte. Nothing when the delivery is not to be sent any more. */
const dispatch = (state: Notification, command: Order<'dispatch'>): Decided => {
  const delivery = deliveryOf(state, command.deliveryId)
  const status = deliveryStatus(state, delivery)
  if (!isWaiting(status)) return []
  const data = {
    deliveryId: delivery.deliveryId,
    attempt: (delivery.attempts.at(-1)?.number ?? 0) + 1,
    provider: delivery.provider,
    credential: delivery.credential,
    deadline: new Date(command.deadline).toISOString(),
    contentHash: command.contentHash,
  }
  return [{ type: 'NotificationDispatched', data, personal: { to: command.to } }]
}

const suppress = (state: Notification, command: Order<'suppress'>): Decided => {
  const attempt = deliveryOf(state, command.deliveryId).attempts.find(
    (each) => each.number === command.attempt,
  )
  // A fact as an outcome is: certainly not sent, even when it was given up as unknown meanwhile.
  if (attempt === undefined) return []
  if (attempt.outcome !== undefined && attempt.evidence !== 'resolve') return []
  const { do: _do, ...data } = command
  return [{ type: 'NotificationSuppressed', data }]
}

/** Nothing for what has moved on meanwhile. */
const defer = (state: Notification, command: Order<'defer'>): Decided => {
  const { do: _do, until, ...rest } = command
  const deliveries = closable(state, rest.deliveries)
  const waits = state.routed ? deliveries.length > 0 : isOpen(statusOf(state))
  if (!waits) return []
  const data = { ...rest, deliveries, until: new Date(until).toISOString() }
  return [{ type: 'NotificationDeferred', data }]
}

const unconfirm = (state: Notification, command: Order<'unconfirm'>): Decided => {
  const attempt = deliveryOf(state, command.deliveryId).attempts.find(
    (each) => each.number === command.attempt,
  )
  if (attempt?.outcome !== 'accepted' || attempt.unconfirmed) return []
  const { deliveryId } = command
  return [{ type: 'NotificationUnconfirmed', data: { deliveryId, attempt: command.attempt } }]
}

/** Only what waits: neither an attempt under way nor what a provider has accepted. */
const closable = (state: Notification, deliveries: readonly string[]): readonly string[] =>
  deliveries.filter((deliveryId) => {
    const delivery = state.deliveries.find((each) => each.deliveryId === deliveryId)
    return delivery && isWaiting(deliveryStatus(state, delivery))
  })

const close = (
  state: Notification,
  type: 'NotificationExpired' | 'NotificationParked',
  command: Order<'expire' | 'park'>,
): Decided => {
  const { reason } = command
  if (!state.routed) {
    return isOpen(statusOf(state)) ? [{ type, data: { deliveries: [], reason } }] : []
  }
  const deliveries = closable(state, command.deliveries)
  return deliveries.length > 0 ? [{ type, data: { deliveries, reason } }] : []
}

const stoppableStatuses: ReadonlySet<string> = new Set(['routed', 'deferred', 'retrying', 'parked'])

/** What a cancel can still stop, what it cannot, and what may have left or not. */
export const cancellable = (
  state: Notification,
): {
  readonly stoppable: readonly string[]
  readonly left: readonly string[]
  readonly mayHaveLeft: readonly string[]
} => {
  const named = (test: (delivery: Delivery) => boolean) =>
    state.deliveries.filter(test).map((each) => each.deliveryId)
  const left = (each: Delivery) =>
    each.attempts.some(({ outcome }) => outcome === 'accepted' || outcome === 'delivered')
  return {
    stoppable: named((each) => stoppableStatuses.has(deliveryStatus(state, each))),
    left: named(left),
    mayHaveLeft: named(
      (each) =>
        !left(each) &&
        each.attempts.some(({ outcome }) => outcome === undefined || outcome === 'ambiguous'),
    ),
  }
}

/** Never refused for being late: the answer says what could still be stopped. */
const cancel = (state: Notification, command: Order<'cancel'>): Decided => {
  if (state.cancelled) return []
  const status = statusOf(state)
  if (!isOpen(status) && status !== 'parked') return []
  const deliveries = cancellable(state).stoppable
  return [{ type: 'NotificationCancelled', data: { deliveries, reason: command.reason } }]
}

const redrivable = (state: Notification, force: boolean): readonly string[] =>
  state.deliveries
    .filter((each) => {
      const status = deliveryStatus(state, each)
      return status === 'parked' || status === 'failed' || (force && status === 'unknown')
    })
    .map((each) => each.deliveryId)

/** Takes what a person may want to try again; what was accepted, delivered or unwanted stays as it is. */
const redrive = (state: Notification, command: Order<'redrive'>): Decided => {
  const { reason, force } = command
  if (state.cancelled) return []
  if (!state.routed) {
    if (state.closed !== 'parked') return []
    return [{ type: 'NotificationRedriven', data: { deliveries: [], reason, force } }]
  }
  const deliveries = redrivable(state, force)
  if (deliveries.length === 0) return []
  return [{ type: 'NotificationRedriven', data: { deliveries, reason, force } }]
}

/** The facts that follow from a command; none when it changes nothing. Throws `Refusal`. */
export const decide = (state: State, command: Command): Decided => {
  if (command.do === 'request') return request(state, command)
  const notification = existing(state)
  switch (command.do) {
    case 'route':
      return route(notification, command)
    case 'dispatch':
      return dispatch(notification, command)
    case 'record-outcome':
      return outcomeEvents(notification, deliveryOf(notification, command.deliveryId), command)
    case 'record-receipt':
      return receiptEvents(notification, deliveryOf(notification, command.deliveryId), command)
    case 'resolve':
      return resolveEvents(notification, deliveryOf(notification, command.deliveryId), command)
    case 'suppress':
      return suppress(notification, command)
    case 'defer':
      return defer(notification, command)
    case 'unconfirm':
      return unconfirm(notification, command)
    case 'expire':
      return close(notification, 'NotificationExpired', command)
    case 'park':
      return close(notification, 'NotificationParked', command)
    case 'cancel':
      return cancel(notification, command)
    case 'redrive':
      return redrive(notification, command)
  }
}
