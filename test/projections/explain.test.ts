import { describe, expect, test } from 'vitest'
import { type FailureOutcome, suppressionReasons } from '#domain/notification/events.ts'
import { explain } from '#projections/notifications/explain.ts'
import {
  accepted,
  cancelled,
  deferred,
  delivered,
  dispatched,
  expired,
  type Fact,
  fact,
  failed,
  iso,
  minute,
  parked,
  pushDelivery,
  recorded,
  redriven,
  requested,
  resolved,
  routed,
  smsDelivery,
  suppressed,
  t0,
  unconfirmed,
} from '../support/given.ts'

const told = (...facts: readonly Fact[]) => explain(recorded(facts))
const last = (...facts: readonly Fact[]): string => told(...facts).events.at(-1)!.text
const summary = (...facts: readonly Fact[]): string => told(...facts).summary

describe('a request in words', () => {
  test('names what, for whom, and every condition', () => {
    const text = last(
      requested({
        channels: ['sms', 'push'],
        noResend: true,
        sendAt: iso(t0),
        expiresAt: iso(t0 + minute),
      }),
    )
    expect(text).toBe(
      '"order-1:mina" was requested for user mina: template order-shipped version 1, category orders ' +
        '(transactional), priority normal, only over sms, push, not again once it may have been sent, ' +
        'not before 2026-03-01T09:00:00.000Z, not after 2026-03-01T09:01:00.000Z.',
    )
  })

  test('for an address names it masked, and its content as given', () => {
    const { template: _template, ...data } = requested().data
    const recipient = { kind: 'address', endpoint: smsDelivery.endpoint }
    const text = last(fact('NotificationRequested', { ...data, recipient }))
    expect(text).toContain('for phone +82********78: given content')
  })

  test('that waits for its time says so in the summary', () => {
    const text = summary(requested({ sendAt: iso(t0 + minute) }))
    expect(text).toBe('It waits for its time. That is 2026-03-01T09:01:00.000Z.')
  })
})

describe('a routing in words', () => {
  test('names every delivery', () => {
    expect(last(requested(), routed({ deliveries: [smsDelivery, pushDelivery] }))).toBe(
      'It goes out in 2 deliveries, in locale ko: d1 over sms by twilio to phone +82********78; ' +
        'd2 over push by apns to device phone-1 (ios) a1b2c3….',
    )
  })

  test('names the locale that was asked for when another was taken', () => {
    const text = last(requested(), routed({ locale: 'en', localeAsked: 'fr-CA' }))
    expect(text).toContain('in locale en; fr-CA was asked for and is not there')
    expect(last(requested(), routed())).not.toContain('asked for')
  })

  const words: Readonly<Record<(typeof suppressionReasons)[number], string>> = {
    'recipient-unknown': 'nobody was known under this user id',
    'no-endpoint': 'the recipient had no address for this channel',
    'opted-out': 'the recipient did not want it',
    'address-suppressed': 'nothing may be sent to this address',
    'device-removed': 'the device had been removed meanwhile',
    'channel-not-in-template': 'there was no text for this channel',
    'channel-not-requested': 'the request had not asked for this channel',
    'platform-not-supported': 'no provider carries this platform',
  }

  test.each(suppressionReasons)('says why an endpoint was passed over: %s', (reason) => {
    const { endpoint } = smsDelivery
    const passed = { endpoint, reason, rule: 'some.rule', seen: { revision: 3, of: 'x' } }
    const facts = [requested(), routed({ deliveries: [], passedOver: [passed] })]
    expect(last(...facts)).toBe(
      'There was nobody to send it to. phone +82********78 was passed over because ' +
        `${words[reason]} (rule some.rule saw revision 3, of x).`,
    )
    expect(told(...facts)).toMatchObject({
      status: 'suppressed',
      summary: `It was not sent on purpose. Passed over: phone +82********78 (${words[reason]}).`,
    })
  })

  test.each(suppressionReasons)('says why an attempt was given up: %s', (reason) => {
    const facts = [
      requested(),
      routed(),
      dispatched(),
      suppressed(1, { reason, rule: 'some.rule', seen: {} }),
    ]
    expect(last(...facts)).toBe(
      'Attempt 1 of d1 was given up before anything was sent because ' +
        `${words[reason]} (rule some.rule).`,
    )
    expect(summary(...facts)).toContain(`is suppressed; ${words[reason]}; 1 attempt.`)
  })
})

describe('an attempt in words', () => {
  test('names when an answer was due, and what the provider calls it', () => {
    const begun = [requested(), routed(), dispatched()]
    expect(last(...begun)).toBe(
      'Attempt 1 of d1 was begun by twilio; an answer was due by 2026-03-01T09:01:15.000Z.',
    )
    expect(last(...begun, accepted(1, { providerMessageId: 'SM1' }))).toContain(
      'accepted attempt 1 of d1 under SM1; a receipt was due by',
    )
    expect(last(...begun, accepted(), unconfirmed())).toContain('did not come in time')
    expect(summary(...begun, accepted(), unconfirmed())).toContain('no receipt came')
  })

  test('says on what evidence it counts as delivered', () => {
    const begun = [requested(), routed(), dispatched()]
    expect(last(...begun, delivered(1))).toBe('A receipt says that attempt 1 of d1 was delivered.')
    expect(last(...begun, delivered(1, { evidence: 'provider' }))).toContain(
      'this channel has no receipts, so that counts as delivered',
    )
  })

  const outcomes: Readonly<Record<FailureOutcome, string>> = {
    retry: 'was not sent',
    ambiguous: 'may have been sent or not',
    permanent: 'was refused for good',
    'endpoint-invalid': 'was refused because the address is dead',
    'opted-out': 'was refused because the recipient does not want it',
    config: 'was not sent because our credentials or settings were refused',
  }

  test.each(Object.entries(outcomes))('says how it failed: %s', (name, words) => {
    const outcome = name as FailureOutcome
    const text = last(requested(), routed(), dispatched(), failed(1, { outcome }))
    expect(text).toBe(
      `Attempt 1 of d1 ${words}: the provider answered (503: busy) ` +
        'It was to be tried again from 2026-03-01T09:02:00.000Z.',
    )
  })

  test('says what follows: again, never, or a person', () => {
    const begun = [requested(), routed(), dispatched()]
    expect(last(...begun, failed(1, { final: true }))).toContain('That is final.')
    expect(last(...begun, failed(1, { retryAt: undefined }))).toContain('a person has to look')
    expect(last(...begun, failed(1, { evidence: 'receipt' }))).toContain(
      'a receipt said (503: busy)',
    )
    expect(last(...begun, resolved())).toContain('no answer was recorded in time (no-answer:')
  })

  test('that failed is named in the summary with its code', () => {
    const begun = [requested(), routed(), dispatched()]
    expect(summary(...begun, failed())).toContain(
      'd1 (sms by twilio to phone +82********78) is retrying; attempt 1 ended as retry (503), ' +
        'again from 2026-03-01T09:02:00.000Z; 1 attempt.',
    )
    const final = failed(1, { outcome: 'permanent', code: '21211', final: true })
    expect(summary(...begun, final)).toContain('is failed; attempt 1 ended as permanent (21211)')
    const unknown = failed(1, { outcome: 'ambiguous', code: 'timeout', final: true })
    expect(summary(...begun, unknown)).toContain('Whether it was delivered is not known.')
  })

  test('that may have been seen more than once says so, and why', () => {
    const facts = [requested(), routed(), dispatched(), resolved(), dispatched(2), delivered(2)]
    expect(summary(...facts)).toContain(
      'it may have been seen up to 2 times, because the fate of attempt 1 is not known',
    )
    const thrice = [...facts.slice(0, 5), resolved(2), dispatched(3), delivered(3)]
    expect(summary(...thrice)).toContain(
      'it may have been seen up to 3 times, because the fate of attempts 1, 2 is not known',
    )
    const late = [...facts, delivered(1)]
    expect(summary(...late)).toContain(
      'it may have been seen up to 2 times, because it was sent again',
    )
    const once = [requested(), routed(), dispatched(), failed(), dispatched(2), delivered(2)]
    expect(summary(...once)).not.toContain('may have been seen')
  })
})

describe('waiting and ending in words', () => {
  test.each([
    ['quiet-hours', 'these are quiet hours for the recipient'],
    ['frequency-cap', 'the recipient has been told enough for now'],
    ['provider-paused', 'nothing can be sent by the provider for now'],
  ] as const)('a deferral says until when and why: %s', (reason, words) => {
    const facts = [requested(), routed(), deferred({ reason, rule: 'some.rule' })]
    expect(last(...facts)).toBe(
      `d1 waits until 2026-03-01T10:00:00.000Z because ${words} (rule some.rule).`,
    )
    expect(summary(...facts)).toContain(`is deferred; until 2026-03-01T10:00:00.000Z: ${words}`)
    const whole = last(requested(), deferred({ reason, deliveries: [] }))
    expect(whole).toContain('The notification waits until')
  })

  test.each([
    ['expires-at', 'its time to expire had come'],
    ['some other reason', '"some other reason"'],
    ['constructor', '"constructor"'],
  ])('an expiry says why: %s', (reason, words) => {
    expect(last(requested(), routed(), expired({ reason }))).toBe(
      `d1 was not sent any more because ${words}.`,
    )
    expect(summary(requested(), expired({ deliveries: [], reason }))).toBe(
      `It expired before it was sent. That is because ${words}.`,
    )
  })

  test.each([
    ['open-too-long', 'it had been open for 72 hours'],
    ['given-up', 'it was open too long, or its fate stayed unknown too often'],
    ['unreadable', 'an event of it cannot be read'],
  ])('parking says why: %s', (reason, words) => {
    const facts = [requested(), routed(), parked({ reason })]
    expect(last(...facts)).toBe(`d1 was put aside for a person because ${words}.`)
    expect(summary(...facts)).toContain(`It waits for a person. d1`)
    expect(summary(...facts)).toContain(`is parked; ${words}`)
  })

  test('a cancel says what it stopped', () => {
    const stopped = last(requested(), routed(), cancelled({ reason: 'requested' }))
    expect(stopped).toBe('It was cancelled because somebody asked for it; d1 stopped.')
    const nothing = last(requested(), cancelled({ deliveries: [], reason: 'requested' }))
    expect(nothing).toContain('no delivery was left to stop')
    expect(summary(requested(), cancelled({ deliveries: [] }))).toBe('It was cancelled.')
  })

  test('a redrive says what it opened, and whether it may be seen twice', () => {
    const facts = [requested(), routed(), parked()]
    expect(last(...facts, redriven({ reason: 'requested' }))).toBe(
      'd1 was opened again because somebody asked for it.',
    )
    const forced = last(...facts, redriven({ reason: 'requested', force: true }))
    expect(forced).toContain('though it may have been sent before')
  })
})

describe('an explanation', () => {
  test('has one sentence per event, with its place and time', () => {
    const facts = [requested(), routed(), dispatched(), accepted(), delivered()]
    const { events, status } = told(...facts)
    expect(status).toBe('delivered')
    expect(events.map(({ revision, type }) => [revision, type])).toEqual(
      facts.map((each, revision) => [revision, each.type]),
    )
    expect(events.every((each) => /^\S.*\.$/.test(each.text))).toBe(true)
    expect(events[2]!.at).toBe('2026-03-01T09:01:00.000Z')
  })

  test('holds nothing personal', () => {
    const facts = [requested(), routed(), dispatched(), accepted()]
    expect(JSON.stringify(told(...facts))).not.toContain('+821012345678')
    expect(JSON.stringify(told(...facts))).not.toContain('Mina')
  })

  test('of nothing says so', () => {
    expect(told()).toEqual({
      status: 'absent',
      summary: 'Nothing was requested under this id.',
      events: [],
    })
  })

  test('goes as far as the record can be read', () => {
    const { status, summary, events } = told(
      requested(),
      fact('NotificationRouted', { strange: true }),
      fact('NotificationBlessed', {}),
    )
    expect(status).toBe('requested')
    expect(summary).toContain('What was recorded from revision 1 on cannot be read.')
    expect(events.map((each) => each.text).slice(1)).toEqual([
      'NotificationRouted was recorded; this version cannot read it.',
      'NotificationBlessed was recorded; this version cannot read it.',
    ])
  })
})
