import { describe, expect, test } from 'vitest'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { createHmacKeyHash } from '#adapters/system/hmac-key-hash.ts'
import { createAggregates } from '#handlers/aggregates.ts'
import { createApps } from '#handlers/apps.ts'
import { createRecorder } from '#handlers/recorder.ts'
import type { KeyHash } from '#ports/key-hash.ts'
import { Secret } from '#ports/secret.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const actor = 'cli'

const open = (seed = 1, events = createMemoryEventStore()) => {
  const clock = createFakeClock()
  const random = createSeededRandom(seed)
  const inner = createHmacKeyHash(new Secret('the secret of every test, never used elsewhere'))
  let comparisons = 0
  const keyHash: KeyHash = {
    digest: inner.digest,
    matches: (...about) => {
      comparisons += 1
      return inner.matches(...about)
    },
  }
  const note = () => {}
  const log = { debug: note, info: note, warn: note, error: note }
  const recorder = createRecorder({ events, clock, random, log })
  const aggregates = createAggregates({ events, keyHash, clock })
  const patience = { signal: new AbortController().signal, waitMaxMs: 0 }
  const apps = createApps({ aggregates, recorder, keyHash, random, patience })
  return { apps, events, comparisons: () => comparisons }
}

describe('an app', () => {
  test('is made with its first key', async () => {
    const { apps, events } = open()
    expect(await apps.exists('shop')).toBe(false)
    const { key, keyId } = await apps.issueKey('shop', ['send', 'read'], actor)
    expect(await apps.exists('shop')).toBe(true)
    expect(keyId).toMatch(/^shop\.[A-Za-z0-9]{8}$/)
    expect(key.startsWith(`pbl_live_${keyId}_`)).toBe(true)
    const facts = await events.read('app-shop')
    expect(facts.map(({ type }) => type)).toEqual(['AppCreated', 'AppKeyIssued'])
  })

  test('has a name that is short and plain', async () => {
    const { apps } = open()
    for (const name of ['', 'Shop', 'a b', '-shop', 'shop-', 'x'.repeat(33), 'shop.eu']) {
      await expect(apps.issueKey(name, [], actor)).rejects.toMatchObject({ code: 'app/invalid' })
    }
    expect((await apps.issueKey('a-1', [], actor)).keyId).toMatch(/^a-1\./)
  })
})

describe('a key', () => {
  test('is recognised, with its app and its scopes', async () => {
    const { apps } = open()
    const { key, keyId } = await apps.issueKey('shop', ['send'], actor)
    expect(await apps.authenticate(key)).toEqual({ app: 'shop', keyId, scopes: ['send'] })
  })

  test('has every scope when none is named', async () => {
    const { apps } = open()
    const { key } = await apps.issueKey('shop', [], actor)
    expect((await apps.authenticate(key))?.scopes).toHaveLength(5)
  })

  test('is written down nowhere', async () => {
    const { apps, events } = open()
    const { key } = await apps.issueKey('shop', [], actor)
    const secret = key.slice(-43)
    expect(JSON.stringify((await events.readAll({ limit: 10 })).events)).not.toContain(secret)
  })

  test('works at once in another process, and no longer after it was revoked there', async () => {
    const one = open(1)
    const other = open(2, one.events)
    const { key, keyId } = await one.apps.issueKey('shop', [], actor)
    expect(await other.apps.authenticate(key)).toBeDefined()
    expect(await other.apps.revokeKey('shop', keyId, actor)).toBe(true)
    expect(await one.apps.authenticate(key)).toBeUndefined()
    expect(await one.apps.revokeKey('shop', keyId, actor)).toBe(false)
  })

  test('that is revoked leaves the others alone', async () => {
    const { apps } = open()
    const first = await apps.issueKey('shop', [], actor)
    const second = await apps.issueKey('shop', [], actor)
    await apps.revokeKey('shop', first.keyId, actor)
    expect(await apps.authenticate(first.key)).toBeUndefined()
    expect(await apps.authenticate(second.key)).toBeDefined()
  })

  test('that nobody issued is refused, after the same work as a right one', async () => {
    const { apps, comparisons } = open()
    const { key, keyId } = await apps.issueKey('shop', [], actor)
    const other = await apps.issueKey('bank', [], actor)
    await apps.revokeKey('bank', other.keyId, actor)
    const secret = key.slice(-43)
    const wrong = [
      '',
      'pbl_live_',
      key.slice(0, -1),
      `${key}x`,
      ` ${key}`,
      `${key}\n`,
      key.replace('shop', 'bank'),
      `pbl_live_${keyId}_${'A'.repeat(43)}`,
      `pbl_live_none.00000000_${secret}`,
      `pbl_live_shop.00000000_${secret}`,
      other.key,
      'x'.repeat(100_000),
    ]
    for (const text of wrong) {
      const before = comparisons()
      expect(await apps.authenticate(text)).toBeUndefined()
      expect(comparisons() - before).toBe(1)
    }
  })

  test('that is not there cannot be revoked', async () => {
    const { apps } = open()
    await apps.issueKey('shop', [], actor)
    await expect(apps.revokeKey('shop', 'shop.00000000', actor)).rejects.toMatchObject({
      code: 'app/key-not-found',
    })
    await expect(apps.revokeKey('nobody', 'nobody.00000000', actor)).rejects.toMatchObject({
      code: 'app/key-not-found',
    })
  })

  test('is issued to each of many who ask at the same time, or refused with a conflict', async () => {
    const { apps } = open()
    const asked = await Promise.allSettled(
      Array.from({ length: 4 }, () => apps.issueKey('shop', [], actor)),
    )
    const issued = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    expect(issued).toHaveLength(4)
    for (const { key } of issued) expect(await apps.authenticate(key)).toBeDefined()
  })
})
