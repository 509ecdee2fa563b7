import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decideRecipient,
  devicesMax,
  evolveRecipient,
  type Preferences,
  type RecipientCommand,
} from '#domain/recipient/recipient.ts'
import { UnknownEvent } from '#domain/recorded-fact.ts'
import {
  type Fact,
  fact,
  givenRecipient,
  hour,
  recipientOf,
  recorded,
  refusalOf,
  t0,
} from '../../support/given.ts'

const mina = { app: 'shop', userId: 'mina' }
const updated = (profile = {}, personal: object = { email: 'mina@example.org' }) =>
  fact('RecipientUpdated', { ...mina, ...profile }, t0, personal)
const added = (deviceId = 'phone-1', token = 'token-1', at = t0 + hour) =>
  fact('RecipientDeviceAdded', { deviceId, platform: 'ios' }, at, { token })
const removed = (deviceId = 'phone-1', over = {}) =>
  fact('RecipientDeviceRemoved', { deviceId, reason: 'requested', ...over }, t0 + 2 * hour)
const changed = (preferences: Preferences) =>
  fact('RecipientPreferencesChanged', { preferences }, t0 + hour)

const update = (profile = {}): RecipientCommand => ({
  do: 'update',
  ...mina,
  profile: { email: 'mina@example.org', ...profile },
})
const addDevice = (deviceId = 'phone-1', token = 'token-1'): RecipientCommand => ({
  ...{ do: 'add-device', deviceId, platform: 'ios', token },
})
const removeDevice = (over = {}): RecipientCommand => ({
  ...{ do: 'remove-device', deviceId: 'phone-1', reason: 'requested' },
  ...over,
})
const noAds: Preferences = { categories: { ads: false } }
const prefer = (preferences: Preferences): RecipientCommand => ({
  ...{ do: 'change-preferences', preferences },
})

const full = Array.from({ length: devicesMax }, (_, index) =>
  added(`device-${index}`, `token-of-${index}`),
)
const states: Readonly<Record<string, readonly Fact[]>> = {
  absent: [],
  bare: [updated()],
  'with a device': [updated(), added()],
  'with its device removed': [updated(), added(), removed()],
  'with preferences': [updated(), changed(noAds)],
  'full of devices': [updated(), ...full],
}

const missing = 'recipient/not-found'
const table: Readonly<Record<string, Readonly<Record<RecipientCommand['do'], string>>>> = {
  absent: {
    update: 'RecipientUpdated',
    'add-device': missing,
    'remove-device': missing,
    'change-preferences': missing,
  },
  bare: {
    update: '',
    'add-device': 'RecipientDeviceAdded',
    'remove-device': '',
    'change-preferences': 'RecipientPreferencesChanged',
  },
  'with a device': {
    update: '',
    'add-device': '',
    'remove-device': 'RecipientDeviceRemoved',
    'change-preferences': 'RecipientPreferencesChanged',
  },
  'with its device removed': {
    update: '',
    'add-device': 'RecipientDeviceAdded',
    'remove-device': '',
    'change-preferences': 'RecipientPreferencesChanged',
  },
  'with preferences': {
    update: '',
    'add-device': 'RecipientDeviceAdded',
    'remove-device': '',
    'change-preferences': '',
  },
  'full of devices': {
    update: '',
    'add-device': 'recipient/too-many-devices',
    'remove-device': '',
    'change-preferences': 'RecipientPreferencesChanged',
  },
}
const commands = [update(), addDevice(), removeDevice(), prefer(noAds)]

const answerTo = (facts: readonly Fact[], command: RecipientCommand): string => {
  let types: readonly string[] = []
  const refusal = refusalOf(() => {
    types = decideRecipient(recipientOf(facts), command).map((event) => event.type)
  })
  return refusal?.code ?? types.join(' ')
}

test('every state of a recipient has a row', () => {
  expect(Object.keys(table)).toEqual(Object.keys(states))
})

describe.each(Object.entries(states))('for a recipient that is %s,', (name, facts) => {
  test.each(commands)('the command to $do answers as the table says', (command) => {
    expect(answerTo(facts, command)).toBe(table[name]?.[command.do])
  })
})

describe('a profile', () => {
  test('is recorded with what is personal kept apart', () =>
    givenRecipient()
      .when(update({ phone: '+821012345678', locale: 'ko-KR', timeZone: 'Asia/Seoul' }))
      .thenEvents(
        updated(
          { locale: 'ko-KR', timeZone: 'Asia/Seoul' },
          { email: 'mina@example.org', phone: '+821012345678' },
        ),
      ))

  test('is replaced as a whole', () => {
    const state = recipientOf([updated({ locale: 'ko' }), added(), changed(noAds), updated()])
    expect(state).not.toHaveProperty('locale')
    expect(state).toMatchObject({ preferences: noAds, devices: [{ deviceId: 'phone-1' }] })
  })

  test.each(['email', 'phone', 'locale', 'timeZone'])('that differs in %s is another one', (key) =>
    expect(answerTo([updated()], update({ [key]: 'other' }))).toBe('RecipientUpdated'),
  )

  test('sent twice is recorded once, whatever it holds', () => {
    const text = fc.string({ maxLength: 3 })
    const profile = fc.record(
      { email: text, phone: text, locale: text, timeZone: text },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(profile, (values) => {
        const command: RecipientCommand = { do: 'update', ...mina, profile: values }
        const [event] = decideRecipient(undefined, command)
        const once = fact(event!.type, event!.data, t0, event!.personal)
        givenRecipient(once).when(command).thenNothing()
      }),
    )
  })
})

describe('a device', () => {
  test('is recorded with its token kept apart', () =>
    givenRecipient(updated()).when(addDevice()).thenEvents(added()))

  test('remembers when its token was registered', () =>
    expect(recipientOf([updated(), added()])?.devices).toEqual([
      { deviceId: 'phone-1', platform: 'ios', token: 'token-1', registeredAt: t0 + hour },
    ]))

  test('with a new token replaces its old self', () => {
    givenRecipient(updated(), added())
      .when(addDevice('phone-1', 'token-2'))
      .thenEvents(added('phone-1', 'token-2'))
    const state = recipientOf([updated(), added(), added('phone-1', 'token-2', t0 + 2 * hour)])
    expect(state?.devices).toMatchObject([{ token: 'token-2', registeredAt: t0 + 2 * hour }])
  })

  test('may be renewed when there are as many as there may be', () =>
    givenRecipient(updated(), ...full)
      .when(addDevice('device-7', 'token-9'))
      .thenEvents(added('device-7', 'token-9')))

  test('is removed with the evidence', () => {
    const over = { reason: 'endpoint-invalid', evidence: { code: 'Unregistered', status: 410 } }
    givenRecipient(updated(), added()).when(removeDevice(over)).thenEvents(removed('phone-1', over))
    expect(recipientOf([updated(), added(), removed()])?.devices).toEqual([])
  })

  test('is removed for an old answer only when it still has the token that was meant', () => {
    givenRecipient(updated(), added())
      .when(removeDevice({ ifToken: 'token-1' }))
      .thenEvents(removed())
    givenRecipient(updated(), added('phone-1', 'token-2'))
      .when(removeDevice({ ifToken: 'token-1' }))
      .thenNothing()
  })
})

describe('preferences', () => {
  test('are recorded as a whole', () =>
    givenRecipient(updated(), changed({ receive: false }))
      .when(prefer(noAds))
      .thenEvents(changed(noAds)))

  test('that say the same in another order change nothing', () => {
    const one = { channels: { sms: false, email: true }, categories: { ads: false, news: true } }
    const same = { categories: { news: true, ads: false }, channels: { email: true, sms: false } }
    givenRecipient(updated(), changed(one)).when(prefer(same)).thenNothing()
  })
})

describe('folding a recipient', () => {
  test('passes over what lies before the profile', () =>
    expect(recipientOf([added(), removed(), changed(noAds)])).toBeUndefined())

  test('holds the revision of the last fact', () => {
    const facts = [updated(), added(), changed(noAds), removed(), updated({ locale: 'ko' })]
    facts.forEach((_, index) => {
      expect(recipientOf(facts.slice(0, index + 1))?.revision).toBe(index)
    })
  })

  test.each([
    ['an unknown type', { type: 'RecipientSung' }],
    ['a newer version', { schemaVersion: 2 }],
  ])('stops at %s', (_what, change) => {
    const [first] = recorded([updated()])
    const strange = { ...first!, ...change }
    expect(() => evolveRecipient(undefined, strange)).toThrow(UnknownEvent)
    expect(() => evolveRecipient(recipientOf([updated()]), strange)).toThrow(UnknownEvent)
  })
})

describe('a device that is registered under another name', () => {
  test('takes the place of the old one, so that its owner is told once', () => {
    givenRecipient(updated(), added('phone-1', 'token-1'))
      .when(addDevice('phone-2', 'token-1'))
      .thenEvents(removed('phone-1', { reason: 'replaced' }), added('phone-2', 'token-1'))
  })
})
