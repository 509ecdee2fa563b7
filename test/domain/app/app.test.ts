import { describe, expect, test } from 'vitest'
import { type AppCommand, appNamePattern, decideApp, evolveApp } from '#domain/app/app.ts'
import { UnknownEvent } from '#domain/recorded-fact.ts'
import {
  appOf,
  type Fact,
  fact,
  givenApp,
  hour,
  iso,
  recorded,
  refusalOf,
  t0,
} from '../../support/given.ts'

const created = (app = 'shop') => fact('AppCreated', { app })
const key = { keyId: 'k1', hash: 'h1', scopes: ['send', 'read'] } as const
const issued = (over = {}) => fact('AppKeyIssued', { ...key, ...over })
const revoked = (at = t0 + hour) => fact('AppKeyRevoked', { keyId: 'k1' }, at)

const create = (app = 'shop'): AppCommand => ({ do: 'create', app })
const issue = (over = {}): AppCommand => ({ do: 'issue-key', app: 'shop', ...key, ...over })
const revoke: AppCommand = { do: 'revoke-key', keyId: 'k1' }

const states: Readonly<Record<string, readonly Fact[]>> = {
  absent: [],
  created: [created()],
  'with a key': [created(), issued()],
  'with its key revoked': [created(), issued(), revoked()],
}
const unknownKey = 'app/key-not-found'
const table: Readonly<Record<string, Readonly<Record<AppCommand['do'], string>>>> = {
  absent: {
    create: 'AppCreated',
    'issue-key': 'AppCreated AppKeyIssued',
    'revoke-key': unknownKey,
  },
  created: { create: 'app/exists', 'issue-key': 'AppKeyIssued', 'revoke-key': unknownKey },
  'with a key': {
    create: 'app/exists',
    'issue-key': 'AppKeyIssued',
    'revoke-key': 'AppKeyRevoked',
  },
  'with its key revoked': { create: 'app/exists', 'issue-key': 'AppKeyIssued', 'revoke-key': '' },
}

test('every state of an app has a row', () => {
  expect(Object.keys(table)).toEqual(Object.keys(states))
})

describe.each(Object.entries(states))('for an app that is %s,', (name, facts) => {
  const second = issue({ keyId: 'k2' })
  test.each([create(), second, revoke])(
    'the command to $do answers as the table says',
    (command) => {
      let types: readonly string[] = []
      const refusal = refusalOf(() => {
        types = decideApp(appOf(facts), command).map((event) => event.type)
      })
      expect(refusal?.code ?? types.join(' ')).toBe(table[name]?.[command.do])
    },
  )
})

describe('an app', () => {
  test('is made with its first key', () => givenApp().when(issue()).thenEvents(created(), issued()))

  test.each(['a', '0', 'shop', 'my-shop-2', 'a'.repeat(32), 'a--b'])('may be called %s', (app) =>
    givenApp().when(create(app)).thenEvents(created(app)),
  )

  const bad = ['', '-', 'a-', '-a', 'Shop', 'my shop', 'a'.repeat(33), 'a.b', 'a\n', 'a\0', '상점']
  test.each(bad)('may not be called %j', (app) => {
    givenApp().when(create(app)).thenRefused('app/invalid')
    givenApp().when(issue({ app })).thenRefused('app/invalid')
    expect(appNamePattern.test(app)).toBe(false)
  })
})

describe('a key', () => {
  test('is kept by its hash, with its scopes and when it was issued', () =>
    expect(appOf([created(), issued()])).toEqual({
      revision: 1,
      app: 'shop',
      keys: [{ ...key, issuedAt: iso(t0) }],
    }))

  test('is revoked once', () => {
    givenApp(created(), issued()).when(revoke).thenEvents(revoked())
    givenApp(created(), issued(), revoked()).when(revoke).thenNothing()
  })

  test('stays known after it was revoked, with the first time that was said', () => {
    const state = appOf([created(), issued(), revoked(), revoked(t0 + 2 * hour)])
    expect(state?.keys).toEqual([{ ...key, issuedAt: iso(t0), revokedAt: iso(t0 + hour) }])
  })

  test('is revoked without harm to the others', () => {
    const state = appOf([created(), issued(), issued({ keyId: 'k2' }), revoked()])
    expect(state?.keys.map((each) => each.revokedAt)).toEqual([iso(t0 + hour), undefined])
  })
})

describe('folding an app', () => {
  test.each([
    ['an unknown type', { type: 'AppSung' }],
    ['a newer version', { schemaVersion: 2 }],
  ])('stops at %s', (_what, change) => {
    const [first] = recorded([created()])
    expect(() => evolveApp(undefined, { ...first!, ...change })).toThrow(UnknownEvent)
  })
})
