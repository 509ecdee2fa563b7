import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bareEndpoint, comparable, mask } from '#domain/notification/endpoint.ts'
import { type Channel, channels, platforms } from '#domain/notification/events.ts'
import {
  bareCandidate,
  candidatesOf,
  contentChannels,
  type PlanInput,
  planDeliveries,
  providerOf,
} from '#domain/notification/plan.ts'
import type { Preferences, Recipient } from '#domain/recipient/recipient.ts'
import { notificationOf, requested, t0 } from '../../support/given.ts'

const device = (deviceId: string, platform: (typeof platforms)[number] = 'ios') => ({
  ...{ deviceId, platform, token: `token-of-${deviceId}`, registeredAt: t0 },
})
const mina = (over: Partial<Recipient> = {}): Recipient => ({
  ...{ revision: 3, app: 'shop', userId: 'mina', devices: [device('phone-1')], preferences: {} },
  ...{ phone: '+821012345678', email: 'mina@example.org' },
  ...over,
})

const inputOf = (
  recipient: Recipient | undefined,
  over: Partial<PlanInput> & { readonly channels?: readonly Channel[] } = {},
): PlanInput => {
  const { channels: asked, ...rest } = over
  return {
    notification: notificationOf([requested(asked ? { channels: asked } : {})])!,
    recipient,
    candidates: recipient ? candidatesOf(recipient) : [],
    available: channels,
    suppressed: new Map(),
    ...rest,
  }
}
const reasons = (input: PlanInput) =>
  planDeliveries(input).passedOver.map(({ endpoint, reason, rule }) => [
    endpoint.kind,
    reason,
    rule,
  ])
const sentOver = (input: PlanInput) =>
  planDeliveries(input).deliveries.map((each) => [each.deliveryId, each.channel, each.provider])

describe('a plan', () => {
  test('uses every endpoint that nothing speaks against', () => {
    const input = inputOf(mina({ devices: [device('phone-1'), device('phone-2', 'android')] }))
    expect(sentOver(input)).toEqual([
      ['d1', 'push', 'apns'],
      ['d2', 'push', 'fcm'],
      ['d3', 'sms', 'twilio'],
      ['d4', 'email', 'sendgrid'],
    ])
    expect(reasons(input)).toEqual([])
  })

  test('gives no address away', () => {
    const plan = JSON.stringify(planDeliveries(inputOf(mina())))
    expect(plan).not.toMatch(/token-of-phone-1|\+821012345678|mina@/)
  })

  test('for somebody unknown has no delivery and says so', () =>
    expect(planDeliveries(inputOf(undefined))).toEqual({
      deliveries: [],
      passedOver: [
        {
          endpoint: { kind: 'recipient', masked: 'mina' },
          ...{ reason: 'recipient-unknown', rule: 'recipient.exists', seen: { exists: false } },
        },
      ],
    }))

  test('keeps to the channels that were asked for', () => {
    const input = inputOf(mina(), { channels: ['sms'] })
    expect(sentOver(input)).toEqual([['d1', 'sms', 'twilio']])
    expect(reasons(input)).toEqual([
      ['device', 'channel-not-requested', 'request.channels'],
      ['email', 'channel-not-requested', 'request.channels'],
    ])
  })

  test('keeps to the channels that the template has', () => {
    const input = inputOf(mina(), { available: ['push'] })
    expect(sentOver(input)).toEqual([['d1', 'push', 'apns']])
    expect(reasons(input)).toEqual([
      ['phone', 'channel-not-in-template', 'template.channels'],
      ['email', 'channel-not-in-template', 'template.channels'],
    ])
  })

  test('respects preferences, with the rule and the revision it saw', () => {
    const preferences: Preferences = { channels: { sms: false }, categories: { orders: true } }
    const { passedOver } = planDeliveries(inputOf(mina({ preferences })))
    expect(passedOver).toEqual([
      {
        endpoint: { kind: 'phone', masked: '+82********78' },
        ...{ reason: 'opted-out', rule: 'preferences.channels.sms' },
        seen: { category: 'orders', revision: 3 },
      },
    ])
  })

  test('respects suppressed addresses, with the cause', () => {
    const suppressed = new Map([['mina@example.org', 'complaint']])
    expect(reasons(inputOf(mina(), { suppressed }))).toEqual([
      ['email', 'address-suppressed', 'address.complaint'],
    ])
  })

  test('passes over platforms that nobody carries', () => {
    const input = inputOf(mina({ devices: [device('tv', 'windows')] }))
    expect(reasons(input)).toEqual([['device', 'platform-not-supported', 'provider.platform']])
  })

  test('names the channels that the recipient has nothing for', () => {
    const { phone: _phone, ...noPhone } = mina({ devices: [] })
    expect(reasons(inputOf(noPhone))).toEqual([
      ['push', 'no-endpoint', 'recipient.devices'],
      ['sms', 'no-endpoint', 'recipient.phone'],
    ])
    expect(reasons(inputOf(noPhone, { available: ['sms', 'email'] }))).toEqual([
      ['sms', 'no-endpoint', 'recipient.phone'],
    ])
  })

  test('for a bare address needs no recipient', () => {
    const to = { phone: '+821012345678' }
    const recipient = { kind: 'address' as const, endpoint: bareEndpoint(to) }
    const notification = notificationOf([requested({ recipient })])!
    const input = inputOf(undefined, { notification, candidates: [bareCandidate(to)] })
    expect(sentOver(input)).toEqual([['d1', 'sms', 'twilio']])
    expect(reasons(input)).toEqual([])
  })

  test('that sends nothing says why, whoever it is for', () => {
    const some = fc.subarray([...channels])
    const who = fc.record({
      devices: fc.subarray(platforms.map((each) => device(each, each))),
      preferences: fc.constantFrom<Preferences>(
        {},
        { receive: false },
        { channels: { sms: false } },
      ),
    })
    const bare = fc.constantFrom({}, { phone: '+821012345678' }, { email: 'mina@example.org' })
    fc.assert(
      fc.property(who, bare, some, fc.option(some), (profile, address, available, asked) => {
        const recipient = { revision: 3, app: 'shop', userId: 'mina', ...profile, ...address }
        const input = inputOf(recipient, { available, ...(asked && { channels: asked }) })
        const { deliveries, passedOver } = planDeliveries(input)
        expect(deliveries.length + passedOver.length).toBeGreaterThan(0)
        expect(deliveries.length + passedOver.length).toBeGreaterThanOrEqual(
          input.candidates.length,
        )
        expect(new Set(deliveries.map((each) => each.deliveryId)).size).toBe(deliveries.length)
      }),
    )
  })
})

describe('an endpoint', () => {
  test.each([
    ['sms', '+821012345678', { phone: '+821012345678' }, '+82********78'],
    ['email', 'mina@example.org', { email: 'mina@example.org' }, 'm***@example.org'],
    ['push', 'a1b2c3d4e5', { device: { platform: 'ios', token: 'a1b2c3d4e5' } }, 'a1b2c3…'],
  ] as const)('for %s is %s, and shown masked', (channel, address, to, masked) => {
    expect(bareCandidate(to)).toMatchObject({ channel, address, endpoint: { masked } })
    expect(bareCandidate(to).endpoint).toEqual(bareEndpoint(to))
  })

  test('with an odd address is still masked', () => {
    expect(mask.email('"a@b"@example.org')).toBe('"***@example.org')
    expect(mask.phone('+1234')).toBe('+1234')
  })

  test('of every channel has a provider, or the platform is not supported', () => {
    expect([providerOf('sms'), providerOf('email')]).toEqual(['twilio', 'sendgrid'])
    expect(platforms.map((platform) => providerOf('push', platform))).toEqual([
      ...['apns', 'fcm', undefined, 'apns', undefined],
    ])
  })
})

describe('the channels of a content', () => {
  test.each([
    [{ body: 'b' }, ['push', 'sms']],
    [{ body: 'b', subject: 's' }, ['push', 'sms', 'email']],
    [{ html: '<p>', subject: 's' }, ['email']],
    [{ html: '<p>' }, []],
    [{ title: 't' }, []],
  ])('%o are %j', (content, expected) => expect(contentChannels(content)).toEqual(expected))
})

describe('two spellings of an address', () => {
  test('are one when only the case of an e-mail address differs', () =>
    expect(comparable('Mina@Example.ORG')).toBe(comparable('mina@example.org')))
  test('are two when they are tokens', () => expect(comparable('aB')).not.toBe(comparable('ab')))
})
