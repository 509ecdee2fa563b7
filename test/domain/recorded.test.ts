import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type AddressEvents, evolveAddress } from '#domain/address/address.ts'
import { type AppEvents, evolveApp } from '#domain/app/app.ts'
import { type CallbackEventType, evolveCallback } from '#domain/callback/callback.ts'
import { evolveLog, type LogEventType } from '#domain/log/log.ts'
import type { NotificationEventType } from '#domain/notification/events.ts'
import { evolve } from '#domain/notification/evolve.ts'
import { statusOf } from '#domain/notification/status.ts'
import { evolveRecipient, type RecipientEventType } from '#domain/recipient/recipient.ts'
import type { RecordedFact } from '#domain/recorded-fact.ts'
import { evolveRecovery, type RecoveryEventType } from '#domain/recovery/recovery.ts'
import { evolveTemplate, type TemplateEvent } from '#domain/template/template.ts'

/** What the facts before an example are (of the same folder), and what folding all of them gives. */
interface Expectation<T extends string> {
  readonly after: readonly T[]
  readonly gives: object
}
/** Exhaustive: a new type of event does not compile without a row, and fails without its file. */
type Expectations<T extends string> = Readonly<Record<T, Expectation<T>>>

const time = (text: string) => Date.parse(text)

const asked: readonly NotificationEventType[] = ['NotificationRequested', 'NotificationRouted']
const sent: readonly NotificationEventType[] = [...asked, 'NotificationDispatched']
const inTransit: readonly NotificationEventType[] = [...sent, 'NotificationAccepted']
const attempt = (told: object) => ({ deliveries: [{ deliveryId: 'd1', attempts: [told] }] })

const notification = {
  NotificationRequested: {
    after: [],
    gives: {
      ...{ status: 'scheduled', app: 'shop', eventId: 'order-1:mina', routed: false },
      fingerprint: 'NbLGYZCCB9CdguLjbDYEAUqC7Df9uLW_Aoo3xg3TlzA',
      recipient: { kind: 'user', userId: 'mina' },
      ...{ category: 'orders', purpose: 'transactional', priority: 'normal', noResend: true },
      template: { name: 'order-shipped', version: 2 },
      channels: ['sms', 'email'],
      requestedAt: time('2026-03-01T09:00:00.000Z'),
      sendAt: time('2026-03-01T10:00:00.000Z'),
      openSince: time('2026-03-01T10:00:00.000Z'),
      expiresAt: time('2026-03-02T09:00:00.000Z'),
    },
  },
  NotificationRouted: {
    after: ['NotificationRequested'],
    gives: {
      ...{ status: 'routed', routed: true, locale: 'ko' },
      deliveries: [
        {
          ...{ deliveryId: 'd1', channel: 'sms', provider: 'twilio', credential: 'twilio' },
          endpoint: { kind: 'phone', masked: '+82********78' },
          attempts: [],
          sendableFrom: time('2026-03-01T10:00:00.120Z'),
        },
      ],
      passedOver: [{ reason: 'channel-not-requested' }, { reason: 'no-endpoint' }],
    },
  },
  NotificationDispatched: {
    after: asked,
    gives: {
      status: 'dispatched',
      ...attempt({
        number: 1,
        at: time('2026-03-01T10:00:00.200Z'),
        deadline: time('2026-03-01T10:00:15.200Z'),
        contentHash: '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU',
      }),
    },
  },
  NotificationAccepted: {
    after: sent,
    gives: {
      status: 'accepted',
      ...attempt({
        ...{ outcome: 'accepted', evidence: 'answer', providerMessageId: 'SM8f2d' },
        outcomeAt: time('2026-03-01T10:00:00.900Z'),
        receiptDueAt: time('2026-03-01T20:00:00.900Z'),
      }),
    },
  },
  NotificationDelivered: {
    after: inTransit,
    gives: {
      status: 'delivered',
      ...attempt({ outcome: 'delivered', evidence: 'receipt', providerMessageId: 'SM8f2d' }),
    },
  },
  NotificationUnconfirmed: {
    after: inTransit,
    gives: { status: 'unconfirmed', ...attempt({ outcome: 'accepted', unconfirmed: true }) },
  },
  NotificationFailed: {
    after: sent,
    gives: {
      status: 'retrying',
      ...attempt({
        ...{ outcome: 'retry', evidence: 'answer', code: '20429', reason: 'Too many requests' },
        ...{ retryAt: time('2026-03-01T10:00:06.000Z'), final: false },
      }),
    },
  },
  NotificationDeferred: {
    after: asked,
    gives: {
      status: 'deferred',
      deliveries: [{ deferredUntil: time('2026-03-01T23:00:00.000Z'), deferReason: 'quiet-hours' }],
    },
  },
  NotificationSuppressed: {
    after: sent,
    gives: {
      status: 'suppressed',
      deliveries: [
        {
          suppressed: { reason: 'opted-out', rule: 'preferences.channels.sms' },
          attempts: [{ outcome: 'suppressed', evidence: 'tail', code: 'opted-out' }],
        },
      ],
    },
  },
  NotificationCancelled: { after: asked, gives: { status: 'cancelled', cancelled: true } },
  NotificationExpired: {
    after: asked,
    gives: {
      status: 'expired',
      deliveries: [{ closed: 'expired', closedReason: 'past expiresAt' }],
    },
  },
  NotificationParked: {
    after: asked,
    gives: {
      status: 'parked',
      deliveries: [{ closed: 'parked', closedReason: 'open for 72 hours' }],
    },
  },
  NotificationRedriven: {
    after: [...sent, 'NotificationFailed', 'NotificationParked'],
    gives: {
      status: 'routed',
      openSince: time('2026-03-05T08:00:00.000Z'),
      deliveries: [{ forgivenUpTo: 1, sendableFrom: time('2026-03-05T08:00:00.000Z') }],
    },
  },
} satisfies Expectations<NotificationEventType>

const profile = { app: 'shop', userId: 'mina', locale: 'ko-KR', timeZone: 'Asia/Seoul' }
const contact = { email: 'mina@example.org', phone: '+821012345678' }
const phone = { deviceId: 'phone-1', platform: 'ios', token: 'a1b2c3d4e5f6' }

const recipient = {
  RecipientUpdated: {
    after: [],
    gives: { ...profile, ...contact, devices: [], preferences: {} },
  },
  RecipientDeviceAdded: {
    after: ['RecipientUpdated'],
    gives: { devices: [{ ...phone, registeredAt: time('2026-02-01T09:00:01.000Z') }] },
  },
  RecipientDeviceRemoved: {
    after: ['RecipientUpdated', 'RecipientDeviceAdded'],
    gives: { ...profile, devices: [] },
  },
  RecipientPreferencesChanged: {
    after: ['RecipientUpdated'],
    gives: {
      preferences: {
        ...{ receive: true, channels: { sms: false } },
        categories: { ads: false, orders: { channels: { sms: true } } },
      },
    },
  },
} satisfies Expectations<RecipientEventType>

const address = {
  AddressSuppressed: {
    after: [],
    gives: { suppressed: { cause: 'opted-out', at: '2026-03-01T10:00:01.000Z' } },
  },
  AddressReleased: { after: ['AddressSuppressed'], gives: { revision: 1 } },
} satisfies Expectations<keyof AddressEvents>

const template = {
  TemplatePublished: {
    after: [],
    gives: {
      name: 'order-shipped',
      versions: [
        {
          ...{ app: 'shop', version: 1, defaultLocale: 'ko', required: ['name'], noResend: true },
          contents: { en: { sms: { body: '{{name}}, it is on its way.' } } },
        },
      ],
    },
  },
} satisfies Expectations<TemplateEvent['type']>

const allScopes = ['send', 'read', 'recipients', 'templates', 'operate']
const issued = { keyId: 'k1', scopes: allScopes, issuedAt: '2026-01-01T00:00:00.000Z' }
const app = {
  AppCreated: { after: [], gives: { app: 'shop', keys: [] } },
  AppKeyIssued: { after: ['AppCreated'], gives: { app: 'shop', keys: [issued] } },
  AppKeyRevoked: {
    after: ['AppCreated', 'AppKeyIssued'],
    gives: { keys: [{ ...issued, revokedAt: '2026-06-01T00:00:00.000Z' }] },
  },
} satisfies Expectations<keyof AppEvents>

const quarantined = {
  provider: 'twilio',
  receipt: { outcome: { is: 'delivered' } },
  receivedAt: time('2026-03-01T09:00:00.000Z'),
}
const callback = {
  CallbackQuarantined: { after: [], gives: { ...quarantined, status: 'waiting' } },
  CallbackMatched: {
    after: ['CallbackQuarantined'],
    gives: { ...quarantined, status: 'matched' },
  },
  CallbackExpired: {
    after: ['CallbackQuarantined'],
    gives: { ...quarantined, status: 'expired' },
  },
} satisfies Expectations<CallbackEventType>

const copy = {
  from: '5a1f0c52-6a0e-4f0e-9d0b-0d3f4f1f6a11',
  startedAt: '2026-04-01T09:00:00.000Z',
  finished: false,
}
const copied: readonly LogEventType[] = ['LogCopyStarted', 'LogCopyAdvanced']
const log = {
  LogCopyStarted: { after: [], gives: { copy } },
  LogCopyAdvanced: { after: ['LogCopyStarted'], gives: { copy: { ...copy, position: '50000' } } },
  LogCopyFinished: {
    after: copied,
    gives: { copy: { ...copy, position: '50000', finished: true } },
  },
  LogSealed: {
    after: [],
    gives: {
      sealed: { to: '7c2e0c52-6a0e-4f0e-9d0b-0d3f4f1f6a11', at: '2026-05-01T09:00:00.000Z' },
    },
  },
} satisfies Expectations<LogEventType>

const point = {
  ...{ position: '4711', eventId: '1d5f0a52-6a0e-4f0e-9d0b-0d3f4f1f6a33', before: '4710' },
  newestAt: time('2026-04-01T10:00:00.000Z'),
}
const recovery = {
  RecoveryListed: {
    after: [],
    gives: {
      listed: {
        open: ['6f9f0a52-6a0e-4f0e-9d0b-0d3f4f1f6a11'],
        parked: ['9a1f0a52-6a0e-4f0e-9d0b-0d3f4f1f6a22'],
      },
    },
  },
  RecoveryMarked: {
    after: [],
    gives: {
      points: [point],
      last: {
        from: { position: '4000', newestAt: time('2026-04-01T09:00:00.000Z') },
        list: 'pabal-recovery-3f5f0a52-6a0e-4f0e-9d0b-0d3f4f1f6a55',
      },
      markedAt: time('2026-04-01T10:00:00.000Z'),
    },
  },
} satisfies Expectations<RecoveryEventType>

/** Events of the log itself belong to no app. */
const ofNoApp: ReadonlySet<string> = new Set(['log', 'recovery'])

type Evolve = (state: never, fact: RecordedFact) => unknown
const kinds: Readonly<Record<string, [Expectations<string>, Evolve]>> = {
  notification: [notification, evolve],
  recipient: [recipient, evolveRecipient],
  address: [address, evolveAddress],
  template: [template, evolveTemplate],
  app: [app, evolveApp],
  callback: [callback, evolveCallback],
  log: [log, evolveLog],
  recovery: [recovery, evolveRecovery],
}

const folder = (kind: string) => new URL(`./${kind}/recorded/`, import.meta.url)
const example = (kind: string, type: string) =>
  JSON.parse(readFileSync(new URL(`${type}.v1.json`, folder(kind)), 'utf8'))

const withStatus = (kind: string, state: unknown) => {
  if (kind !== 'notification') return state as object
  const folded = state as Parameters<typeof statusOf>[0]
  return { ...folded, status: statusOf(folded) }
}

describe.each(Object.entries(kinds))(
  'the recorded examples of %s streams',
  (kind, [rows, fold]) => {
    const types = Object.keys(rows)

    test('are one for every type and version of event', () => {
      const files = types.map((type) => `${type}.v1.json`)
      expect(readdirSync(folder(kind)).sort()).toEqual(files.sort())
    })

    test.each(types)('hold a whole envelope of %s', (type) => {
      const { data, personal, metadata, ...rest } = example(kind, type)
      expect(rest).toEqual({ type, schemaVersion: 1 })
      expect(data).toBeTypeOf('object')
      if (personal !== undefined) expect(personal).toBeTypeOf('object')
      expect(metadata).toMatchObject({
        at: new Date(metadata.at).toISOString(),
        app: ofNoApp.has(kind) ? '' : 'shop',
        actor: expect.stringMatching(/^(key:\w+|provider:\w+|system:\w+|cli)$/),
        correlationId: expect.any(String),
      })
    })

    test.each(types)('of %s still mean what they meant', (type) => {
      const { after, gives } = rows[type]!
      let state: unknown
      for (const [revision, each] of [...after, type].entries()) {
        state = fold(state as never, { ...example(kind, each), revision })
      }
      expect(withStatus(kind, state)).toMatchObject({ ...gives, revision: after.length })
    })
  },
)
