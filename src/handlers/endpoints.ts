import type { RequestedPersonal, SuppressionReason } from '#domain/notification/events.ts'
import { bareCandidate, providerOf } from '#domain/notification/plan.ts'
import type { Delivery, Notification } from '#domain/notification/state.ts'
import { optedOutBy, type Recipient } from '#domain/recipient/recipient.ts'
import type { Address } from '#ports/channel.ts'
import type { Aggregates } from './aggregates.ts'

/** Where a delivery goes as the log says now, or why it must not go there. */
export type Destination =
  | {
      readonly to: Address
      readonly text: string
      readonly registeredAt?: number
      /** Monotonic time of the older of the looks at recipient and address. */
      readonly readAtMs: number
    }
  | {
      readonly refused: {
        readonly reason: SuppressionReason
        readonly rule: string
        readonly seen: Readonly<Record<string, unknown>>
      }
    }

type Found = Omit<Extract<Destination, { to: unknown }>, 'readAtMs'>

const refuse = (
  reason: SuppressionReason,
  rule: string,
  seen: Readonly<Record<string, unknown>>,
): Destination => ({ refused: { reason, rule, seen } })

/** The address behind an endpoint of a recipient; he may have changed it since the routing. */
const findAddress = (recipient: Recipient, delivery: Delivery): Found | undefined => {
  const { endpoint } = delivery
  if (endpoint.kind === 'device') {
    const device = recipient.devices.find((each) => each.deviceId === endpoint.deviceId)
    if (!device) return undefined
    const { platform, token, registeredAt } = device
    // Another platform under the same name: this provider would call the new token dead.
    if (providerOf('push', platform) !== delivery.provider) return undefined
    return { to: { kind: 'device', platform, token }, text: token, registeredAt }
  }
  if (endpoint.kind === 'phone') {
    const { phone } = recipient
    return phone === undefined ? undefined : { to: { kind: 'phone', phone }, text: phone }
  }
  const { email } = recipient
  return email === undefined ? undefined : { to: { kind: 'email', email }, text: email }
}

const bareAddress = (personal: RequestedPersonal): Found | undefined => {
  const { to } = personal
  if (!to) return undefined
  const { address: text } = bareCandidate(to)
  if ('device' in to) return { to: { kind: 'device', ...to.device }, text }
  if ('phone' in to) return { to: { kind: 'phone', phone: to.phone }, text }
  return { to: { kind: 'email', email: to.email }, text }
}

/** Reads recipient and address as they were in the log at most `maxAgeMs` ago. */
export const createDestinations =
  (aggregates: Aggregates) =>
  async (
    notification: Notification,
    personal: RequestedPersonal,
    delivery: Delivery,
    maxAgeMs: number,
  ): Promise<Destination> => {
    const { streamOf } = aggregates
    const { app, recipient: ref, category } = notification
    let found = bareAddress(personal)
    let readAtMs = Number.POSITIVE_INFINITY
    if (ref.kind === 'user') {
      const stream = streamOf.recipient(app, ref.userId)
      const { state, ...read } = await aggregates.recipients.recent(stream, maxAgeMs)
      readAtMs = read.readAtMs
      if (!state) return refuse('recipient-unknown', 'recipient.exists', { exists: false })
      const { revision } = state
      const rule = optedOutBy(state.preferences, category, delivery.channel)
      if (rule) return refuse('opted-out', rule, { category, revision })
      found = findAddress(state, delivery)
      if (!found && delivery.endpoint.kind === 'device') {
        return refuse('device-removed', 'recipient.devices', { revision })
      }
      if (!found) return refuse('no-endpoint', `recipient.${delivery.endpoint.kind}`, { revision })
    }
    if (!found) return refuse('no-endpoint', 'request.to', {})
    const stream = streamOf.address(app, found.text)
    const { state, ...read } = await aggregates.addresses.recent(stream, maxAgeMs)
    const suppressed = state?.suppressed
    if (!suppressed) return { ...found, readAtMs: Math.min(readAtMs, read.readAtMs) }
    const { cause, at } = suppressed
    return refuse('address-suppressed', `address.${cause}`, { cause, since: at })
  }
