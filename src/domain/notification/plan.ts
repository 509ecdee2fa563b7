import { optedOutBy, type Recipient } from '../recipient/recipient.ts'
import { bareEndpoint, mask } from './endpoint.ts'
import {
  channels as allChannels,
  type BareAddress,
  type Channel,
  type Content,
  type EndpointRef,
  type PassedOver,
  type PlannedDelivery,
  type Platform,
  type SuppressionReason,
} from './events.ts'
import type { Notification } from './state.ts'

/** An endpoint with the address behind it. */
export interface Candidate {
  readonly channel: Channel
  readonly endpoint: EndpointRef
  readonly address: string
}

export interface Plan {
  readonly deliveries: readonly PlannedDelivery[]
  readonly passedOver: readonly PassedOver[]
}

/** Who carries what. A platform without a provider is passed over. */
export const providerOf = (channel: Channel, platform?: Platform): string | undefined => {
  switch (channel) {
    case 'sms':
      return 'twilio'
    case 'email':
      return 'sendgrid'
    case 'push':
      if (platform === 'ios' || platform === 'macos') return 'apns'
      return platform === 'android' ? 'fcm' : undefined
  }
}

const channelOfKind = { device: 'push', phone: 'sms', email: 'email' } as const

export const bareCandidate = (to: BareAddress): Candidate => {
  const endpoint = bareEndpoint(to)
  const address = 'email' in to ? to.email : 'phone' in to ? to.phone : to.device.token
  return { channel: channelOfKind[endpoint.kind], endpoint, address }
}

/** Every endpoint a recipient has, whatever he thinks of it. */
export const candidatesOf = (recipient: Recipient): readonly Candidate[] => {
  const candidates: Candidate[] = recipient.devices.map(({ deviceId, platform, token }) => ({
    channel: 'push',
    endpoint: { kind: 'device', deviceId, platform, masked: mask.token(token) },
    address: token,
  }))
  const { phone, email } = recipient
  if (phone) {
    const endpoint = { kind: 'phone' as const, masked: mask.phone(phone) }
    candidates.push({ channel: 'sms', endpoint, address: phone })
  }
  if (email) {
    const endpoint = { kind: 'email' as const, masked: mask.email(email) }
    candidates.push({ channel: 'email', endpoint, address: email })
  }
  return candidates
}

/** The channels that a literal content can be shown on. */
export const contentChannels = (content: Content): readonly Channel[] =>
  allChannels.filter((channel) =>
    channel === 'email'
      ? content.subject !== undefined && (content.body ?? content.html) !== undefined
      : content.body !== undefined,
  )

export interface PlanInput {
  readonly notification: Notification
  /** Absent for a bare address, and for a user nobody knows. */
  readonly recipient: Recipient | undefined
  readonly candidates: readonly Candidate[]
  /** Channels that the template or the content has. */
  readonly available: readonly Channel[]
  /** Why an address is suppressed, by address; absent ones are not. */
  readonly suppressed: ReadonlyMap<string, string>
}

interface Refused {
  readonly reason: SuppressionReason
  readonly rule: string
  readonly seen: Readonly<Record<string, unknown>>
}

/** The first rule that keeps a candidate from being used. */
const refusal = (input: PlanInput, candidate: Candidate): Refused | undefined => {
  const { notification, recipient, available } = input
  const { channel, endpoint } = candidate
  if (notification.channels && !notification.channels.includes(channel)) {
    const seen = { channels: notification.channels }
    return { reason: 'channel-not-requested', rule: 'request.channels', seen }
  }
  if (!available.includes(channel)) {
    const seen = { available, ...(notification.template && { template: notification.template }) }
    return { reason: 'channel-not-in-template', rule: 'template.channels', seen }
  }
  const rule = recipient && optedOutBy(recipient.preferences, notification.category, channel)
  if (rule) {
    const seen = { category: notification.category, revision: recipient.revision }
    return { reason: 'opted-out', rule, seen }
  }
  const cause = input.suppressed.get(candidate.address)
  if (cause) return { reason: 'address-suppressed', rule: `address.${cause}`, seen: { cause } }
  if (!providerOf(channel, endpoint.platform)) {
    const seen = { platform: endpoint.platform ?? null }
    return { reason: 'platform-not-supported', rule: 'provider.platform', seen }
  }
  return undefined
}

/** Wanted channels that the recipient has nothing for: who gets nothing gets a reason. */
const missingEndpoints = (input: PlanInput): readonly PassedOver[] => {
  const { notification, recipient, available, candidates } = input
  if (!recipient) return []
  const wanted = [notification.channels ?? [], available].find((each) => each.length > 0)
  return (wanted ?? allChannels)
    .filter((channel) => !candidates.some((each) => each.channel === channel))
    .map((channel) => ({
      endpoint: { kind: channel, masked: '' },
      reason: 'no-endpoint',
      rule: `recipient.${channel === 'push' ? 'devices' : channel === 'sms' ? 'phone' : 'email'}`,
      seen: { revision: recipient.revision },
    }))
}

const unknownRecipient = (notification: Notification): PassedOver => {
  const { recipient } = notification
  const masked = recipient.kind === 'user' ? recipient.userId : recipient.endpoint.masked
  return {
    endpoint: { kind: 'recipient', masked },
    reason: 'recipient-unknown',
    rule: 'recipient.exists',
    seen: { exists: false },
  }
}

/** Which deliveries to make, and which endpoints to pass over, each with its reason. */
export const planDeliveries = (input: PlanInput): Plan => {
  const { notification, recipient, candidates } = input
  if (notification.recipient.kind === 'user' && !recipient) {
    return { deliveries: [], passedOver: [unknownRecipient(notification)] }
  }
  const deliveries: PlannedDelivery[] = []
  const passedOver: PassedOver[] = []
  for (const candidate of candidates) {
    const { channel, endpoint } = candidate
    const refused = refusal(input, candidate)
    if (refused) {
      passedOver.push({ endpoint, ...refused })
      continue
    }
    const provider = providerOf(channel, endpoint.platform)!
    const deliveryId = `d${deliveries.length + 1}`
    deliveries.push({ deliveryId, channel, provider, credential: provider, endpoint })
  }
  return { deliveries, passedOver: [...passedOver, ...missingEndpoints(input)] }
}
