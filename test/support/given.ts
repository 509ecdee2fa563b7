import { expect } from 'vitest'
import { type AddressCommand, decideAddress, evolveAddress } from '#domain/address/address.ts'
import { type AppCommand, decideApp, evolveApp } from '#domain/app/app.ts'
import type { Command } from '#domain/notification/commands.ts'
import { decide } from '#domain/notification/decide.ts'
import type {
  NotificationEvents,
  NotificationEventType,
  PlannedDelivery,
  RequestedData,
} from '#domain/notification/events.ts'
import { fold } from '#domain/notification/evolve.ts'
import type { RecipientCommand } from '#domain/recipient/recipient.ts'
import { decideRecipient, evolveRecipient } from '#domain/recipient/recipient.ts'
import { type RecordedFact, Refusal, type RefusalCode } from '#domain/recorded-fact.ts'
import { evolveTemplate, type PublishTemplate, publishTemplate } from '#domain/template/template.ts'

/** A fact as a test writes it: what a decider gives, and when it was recorded. */
export interface Fact {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  readonly personal?: Readonly<Record<string, unknown>>
  readonly at: number
}

/** What a decider gives, whatever the kind of stream. */
interface Decided {
  readonly type: string
  readonly data: object
  readonly personal?: object
}

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute

/** When everything in these tests begins. */
export const t0 = Date.parse('2026-03-01T09:00:00.000Z')
export const iso = (ms: number): string => new Date(ms).toISOString()

/** Facts with their places in a stream, as the log would give them back. */
export const recorded = (facts: readonly Fact[]): readonly RecordedFact[] =>
  facts.map(({ at, ...fact }, revision) => ({
    ...fact,
    schemaVersion: 1,
    revision,
    metadata: { at: iso(at) },
  }))

/** Without the time: a decider gives none. */
const said = ({ type, data, personal }: Fact | Decided) => ({
  type,
  data,
  ...(personal !== undefined && { personal }),
})

interface Then {
  /** Exactly these, in this order; their times are not compared. */
  thenEvents(...expected: readonly Fact[]): void
  thenNothing(): void
  thenRefused(code: RefusalCode, pointer?: string): void
}

const givenFor =
  <C>(decideOn: (facts: readonly RecordedFact[], command: C) => readonly Decided[]) =>
  (...facts: readonly Fact[]) => ({
    when: (command: C): Then => {
      const decideNow = () => decideOn(recorded(facts), command)
      return {
        thenEvents: (...expected) => expect(decideNow().map(said)).toEqual(expected.map(said)),
        thenNothing: () => expect(decideNow()).toEqual([]),
        thenRefused: (code, pointer) => {
          const refusal = refusalOf(decideNow)
          expect({ code: refusal?.code, pointer: refusal?.pointer }).toEqual({ code, pointer })
        },
      }
    },
  })

/** The refusal that a call ends with; `undefined` when it is not refused. */
export const refusalOf = (call: () => unknown): Refusal | undefined => {
  try {
    call()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  return undefined
}

const foldWith = <S>(
  evolve: (state: S | undefined, fact: RecordedFact) => S | undefined,
  facts: readonly RecordedFact[],
): S | undefined => {
  let state: S | undefined
  for (const fact of facts) state = evolve(state, fact)
  return state
}

export const notificationOf = (facts: readonly Fact[]) => fold(recorded(facts))
export const recipientOf = (facts: readonly Fact[]) => foldWith(evolveRecipient, recorded(facts))
export const addressOf = (facts: readonly Fact[]) => foldWith(evolveAddress, recorded(facts))
export const templateOf = (facts: readonly Fact[]) => foldWith(evolveTemplate, recorded(facts))
export const appOf = (facts: readonly Fact[]) => foldWith(evolveApp, recorded(facts))

/** Of a notification. */
export const given = givenFor<Command>((facts, command) => decide(fold(facts), command))
export const givenRecipient = givenFor<RecipientCommand>((facts, command) =>
  decideRecipient(foldWith(evolveRecipient, facts), command),
)
export const givenAddress = givenFor<AddressCommand>((facts, command) =>
  decideAddress(foldWith(evolveAddress, facts), command),
)
export const givenTemplate = givenFor<PublishTemplate>((facts, command) =>
  publishTemplate(foldWith(evolveTemplate, facts), command),
)
export const givenApp = givenFor<AppCommand>((facts, command) =>
  decideApp(foldWith(evolveApp, facts), command),
)

/** A fact of any kind; the builders below fill in what most tests do not care about. */
export const fact = (type: string, data: object, at = t0, personal?: object): Fact => ({
  type,
  data: data as Fact['data'],
  at,
  ...(personal !== undefined && { personal: personal as Readonly<Record<string, unknown>> }),
})

const of = <T extends NotificationEventType>(
  type: T,
  data: NotificationEvents[T],
  at: number,
): Fact => fact(type, data, at)

type Over<T extends NotificationEventType> = Partial<NotificationEvents[T]> & {
  /** When it was recorded. */
  readonly at?: number
}

const split = <T extends object>(
  over: T & { readonly at?: number },
  at: number,
): [Omit<T, 'at'>, number] => {
  const { at: given = at, ...rest } = over
  return [rest, given]
}

export const requestData: RequestedData = {
  app: 'shop',
  eventId: 'order-1:mina',
  fingerprint: 'f1',
  fingerprintVersion: 1,
  recipient: { kind: 'user', userId: 'mina' },
  category: 'orders',
  purpose: 'transactional',
  priority: 'normal',
  template: { name: 'order-shipped', version: 1 },
}
export const requestPersonal = { data: { name: 'Mina' } }

export const smsDelivery: PlannedDelivery = {
  deliveryId: 'd1',
  channel: 'sms',
  provider: 'twilio',
  credential: 'twilio',
  endpoint: { kind: 'phone', masked: '+82********78' },
}
export const pushDelivery: PlannedDelivery = {
  deliveryId: 'd2',
  channel: 'push',
  provider: 'apns',
  credential: 'apns',
  endpoint: { kind: 'device', deviceId: 'phone-1', platform: 'ios', masked: 'a1b2c3…' },
}

export const requested = (over: Over<'NotificationRequested'> = {}): Fact => {
  const [data, at] = split(over, t0)
  return fact('NotificationRequested', { ...requestData, ...data }, at, requestPersonal)
}

/** By default one delivery, over SMS: the channel with every trouble there is. */
export const routed = (over: Over<'NotificationRouted'> = {}): Fact => {
  const [data, at] = split(over, t0)
  const base = { priority: 'normal' as const, deliveries: [smsDelivery], passedOver: [] }
  return of('NotificationRouted', { ...base, locale: 'ko', ...data }, at)
}

/** The n-th attempt begins n minutes after the request, unless said otherwise. */
export const dispatched = (attempt = 1, over: Over<'NotificationDispatched'> = {}): Fact => {
  const [data, at] = split(over, t0 + attempt * minute)
  const base = { deliveryId: 'd1', attempt, provider: 'twilio', credential: 'twilio' }
  const deadline = iso(at + 15 * second)
  const all = { ...base, deadline, contentHash: 'c1', ...data }
  return fact('NotificationDispatched', all, at, { to: '+821012345678' })
}

export const accepted = (attempt = 1, over: Over<'NotificationAccepted'> = {}): Fact => {
  const [data, at] = split(over, t0 + attempt * minute + second)
  const receiptDueAt = iso(at + 10 * hour)
  return of('NotificationAccepted', { deliveryId: 'd1', attempt, receiptDueAt, ...data }, at)
}

export const delivered = (attempt = 1, over: Over<'NotificationDelivered'> = {}): Fact => {
  const [data, at] = split(over, t0 + attempt * minute + 2 * second)
  const base = { deliveryId: 'd1', attempt, evidence: 'receipt' as const }
  return of('NotificationDelivered', { ...base, ...data }, at)
}

export const unconfirmed = (attempt = 1, over: Over<'NotificationUnconfirmed'> = {}): Fact => {
  const [data, at] = split(over, t0 + 11 * hour)
  return of('NotificationUnconfirmed', { deliveryId: 'd1', attempt, ...data }, at)
}

/** By default: to be tried again a minute later. Pass `retryAt: undefined` for none. */
export const failed = (
  attempt = 1,
  over: Omit<Over<'NotificationFailed'>, 'retryAt'> & {
    readonly retryAt?: string | undefined
  } = {},
): Fact => {
  const [{ retryAt = iso(t0 + (attempt + 1) * minute), ...data }, at] = split(
    over,
    t0 + attempt * minute + second,
  )
  const base = { deliveryId: 'd1', attempt, outcome: 'retry' as const, code: '503', reason: 'busy' }
  const again = 'retryAt' in over || over.final ? over.retryAt : retryAt
  return of(
    'NotificationFailed',
    {
      ...{ ...base, evidence: 'answer', final: false },
      ...(again !== undefined && { retryAt: again }),
      ...data,
    },
    at,
  )
}

/** Declared lost after no answer came. */
export const resolved = (attempt = 1, over: Parameters<typeof failed>[1] = {}): Fact =>
  failed(attempt, {
    outcome: 'ambiguous',
    code: 'no-answer',
    reason: 'No outcome was recorded before the deadline: the message may have been sent.',
    evidence: 'resolve',
    at: t0 + attempt * minute + 30 * second,
    ...over,
  })

export const deferred = (over: Over<'NotificationDeferred'> = {}): Fact => {
  const [data, at] = split(over, t0)
  const until = iso(t0 + hour)
  const base = { deliveries: ['d1'], until, reason: 'quiet-hours' as const, rule: 'quiet.night' }
  return of('NotificationDeferred', { ...base, ...data }, at)
}

export const suppressed = (attempt = 1, over: Over<'NotificationSuppressed'> = {}): Fact => {
  const [data, at] = split(over, t0 + attempt * minute + second)
  const base = { deliveryId: 'd1', attempt, reason: 'opted-out' as const }
  const why = { rule: 'preferences.channels.sms', seen: { revision: 3 } }
  return of('NotificationSuppressed', { ...base, ...why, ...data }, at)
}

type Closing = 'NotificationCancelled' | 'NotificationExpired' | 'NotificationParked'
const closing =
  (type: Closing, reason: string) =>
  (over: Over<Closing> = {}): Fact => {
    const [data, at] = split(over, t0 + 2 * hour)
    return of(type, { deliveries: ['d1'], reason, ...data }, at)
  }

export const cancelled = closing('NotificationCancelled', 'order withdrawn')
export const expired = closing('NotificationExpired', 'past expiresAt')
export const parked = closing('NotificationParked', 'open for 72 hours')

export const redriven = (over: Over<'NotificationRedriven'> = {}): Fact => {
  const [data, at] = split(over, t0 + 3 * hour)
  const base = { deliveries: ['d1'], reason: 'carrier is back', force: false }
  return of('NotificationRedriven', { ...base, ...data }, at)
}
