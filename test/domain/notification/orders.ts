import type { Command } from '#domain/notification/commands.ts'
import type { ChannelPolicy } from '#domain/notification/policy.ts'
import {
  hour,
  minute,
  requestData,
  requestPersonal,
  second,
  smsDelivery,
  t0,
} from '../../support/given.ts'

type Order<D extends Command['do']> = Extract<Command, { do: D }>
type Over<D extends Command['do']> = Partial<Omit<Order<D>, 'do'>>

/** Nothing random: half of the jitter, on a base that makes sums easy. */
export const smsPolicy: ChannelPolicy = {
  deadlineMs: 15 * second,
  backoffBaseMs: 10 * second,
  backoffCapMs: 10 * minute,
  receiptTimeoutMs: 10 * hour,
  collapses: false,
}
export const collapsingPolicy: ChannelPolicy = { ...smsPolicy, collapses: true }

const drawn = { now: t0 + 5 * minute, fraction: 0, policy: smsPolicy }

export const request = (over: Over<'request'> = {}): Command => ({
  do: 'request',
  data: requestData,
  personal: requestPersonal,
  ...over,
})

export const route = (over: Over<'route'> = {}): Command => ({
  do: 'route',
  deliveries: [smsDelivery],
  passedOver: [],
  locale: 'ko',
  ...over,
})

export const dispatch = (over: Over<'dispatch'> = {}): Command => ({
  do: 'dispatch',
  deliveryId: 'd1',
  deadline: t0 + 15 * second,
  contentHash: 'c1',
  to: '+821012345678',
  ...over,
})

type Outcome = Order<'record-outcome'>['outcome']
export const answer = (outcome: Outcome, over: Over<'record-outcome'> = {}): Command => ({
  do: 'record-outcome',
  deliveryId: 'd1',
  attempt: 1,
  ...drawn,
  outcome,
  ...over,
})

type Receipt = Order<'record-receipt'>['receipt']
export const receipt = (told: Receipt, over: Over<'record-receipt'> = {}): Command => ({
  do: 'record-receipt',
  deliveryId: 'd1',
  attempt: 1,
  ...drawn,
  receipt: told,
  ...over,
})

export const resolve = (over: Over<'resolve'> = {}): Command => ({
  do: 'resolve',
  deliveryId: 'd1',
  attempt: 1,
  ...drawn,
  ...over,
})

export const suppress = (over: Over<'suppress'> = {}): Command => ({
  do: 'suppress',
  deliveryId: 'd1',
  attempt: 1,
  reason: 'opted-out',
  rule: 'preferences.channels.sms',
  seen: { revision: 3 },
  ...over,
})

export const defer = (over: Over<'defer'> = {}): Command => ({
  do: 'defer',
  deliveries: ['d1'],
  until: t0 + hour,
  reason: 'quiet-hours',
  rule: 'quiet.night',
  ...over,
})

export const unconfirm = (over: Over<'unconfirm'> = {}): Command => ({
  do: 'unconfirm',
  deliveryId: 'd1',
  attempt: 1,
  ...over,
})

export const expire = (over: Over<'expire' | 'park'> = {}): Command => ({
  do: 'expire',
  deliveries: ['d1'],
  reason: 'past expiresAt',
  ...over,
})

export const park = (over: Over<'expire' | 'park'> = {}): Command => ({
  do: 'park',
  deliveries: ['d1'],
  reason: 'open for 72 hours',
  ...over,
})

export const cancel = (): Command => ({ do: 'cancel', reason: 'order withdrawn' })

export const redrive = (over: Over<'redrive'> = {}): Command => ({
  do: 'redrive',
  reason: 'carrier is back',
  force: false,
  ...over,
})

export const busy = { is: 'retry', code: '503', reason: 'busy' } as const
export const lost = { is: 'ambiguous', code: 'ECONNRESET', reason: 'reset after the body' } as const
export const refused = { is: 'permanent', code: '21211', reason: 'not a number' } as const
