import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inspectMongo, versionFinding } from '#adapters/mongodb/inspect-mongo.ts'
import type { Clock } from '#ports/clock.ts'
import { insertAll, newCollection } from '../../contracts/document-samples.ts'
import {
  mongoAvailable,
  noMongo,
  openTestMongo,
  type TestMongo,
} from '../../support/mongodb/test-mongo.ts'
import { clock, openStore } from './mongo-store.ts'

/** Nobody listens on port 1. */
const nobody = 'mongodb://pabal:hunter2@127.0.0.1:1/pabal?appName=hunter2'
const timeoutMs = 300
const levels = (findings: Awaited<ReturnType<typeof inspectMongo>>) =>
  Object.fromEntries(findings.map(({ code, level }) => [code, level]))

describe('an address of MongoDB', () => {
  test.each([
    ['that is none', 'http://hunter2', 'documents/address'],
    ['with a broken password', 'mongodb://pabal:hunter2%@127.0.0.1/pabal', 'documents/address'],
    ['where nobody answers', nobody, 'documents/unreachable'],
  ])('%s refuses the start, and shows no password', async (_, url, code) => {
    const opening = openStore(url, { timeoutMs })
    await expect(opening).rejects.toMatchObject({
      name: 'StartRefused',
      code,
      message: expect.not.stringContaining('hunter2'),
    })
    const [only, ...others] = await inspectMongo({ url, clock, timeoutMs })
    expect(only).toMatchObject({ subject: 'documents', level: 'wrong', code })
    expect(JSON.stringify(only)).not.toContain('hunter2')
    expect(others).toEqual([])
  })
})

test.each([
  [{ version: '4.2.24' }, 'wrong'],
  [{ version: '3.6.0' }, 'wrong'],
  [{ version: '4.4.0' }, 'ok'],
  [{ version: '8.0.1' }, 'ok'],
  [{ version: '10.0.0-rc1' }, 'ok'],
  [{ version: '7.0.77', ferretdbVersion: 'v1.24.2' }, 'wrong'],
  [{ version: '7.0.77', ferretdb: { version: 'v2.5.0' } }, 'ok'],
])('a server that says %j of itself is %s', (info, level) => {
  expect(versionFinding(info)).toMatchObject({ subject: 'documents', level })
})

describe.skipIf(!mongoAvailable)(`opening MongoDB ${mongoAvailable ? '' : noMongo}`, () => {
  let mongo: TestMongo
  let url: string
  beforeAll(async () => {
    mongo = await openTestMongo()
    url = mongo.database()
  })
  afterAll(() => mongo[Symbol.asyncDispose]())

  test('keeps the documents for the next one who opens it', async () => {
    const collection = newCollection([{ name: 'n', fields: ['n'] }])
    {
      await using store = await openStore(url)
      await insertAll(store, collection, { a: { n: 2 }, b: { n: 1 } })
    }
    await using store = await openStore(url)
    const same = { ...collection, indexes: [...collection.indexes] }
    const order = { field: 'n', direction: 'ascending' } as const
    const found = await store.find(same, { where: {}, order, limit: 10 })
    expect(found.map(({ id }) => id)).toEqual(['b', 'a'])
  })

  test('refuses a collection whose indexes changed within one version', async () => {
    const collection = newCollection([{ name: 'n', fields: ['n'] }])
    const changed = { ...collection, indexes: [{ name: 'n', fields: ['n', 'm'] }] }
    const refusal = { name: 'StartRefused', code: 'store/index-changed' }
    {
      await using store = await openStore(url)
      await insertAll(store, collection, { a: { n: 2 } })
      await expect(store.load(changed, ['a'])).rejects.toMatchObject(refusal)
    }
    await using store = await openStore(url)
    await expect(store.load(changed, ['a'])).rejects.toMatchObject(refusal)
    expect((await store.load({ ...changed, version: 2 }, ['a'])).size).toBe(0)
    const findings = await inspectMongo({ url, clock, collections: async () => [changed] })
    expect(levels(findings)['store/index-changed']).toBe('wrong')
  })

  test('makes the declared indexes, each ending with the id', async () => {
    await using store = await openStore(url)
    const collection = newCollection([
      { name: 'user', fields: ['app', 'by.user', 'at'] },
      { name: 'due', fields: ['due.push'], partial: true },
    ])
    await store.load(collection, [])
    await using client = new MongoClient(url)
    const indexes = await client.db().collection(`${collection.name}_1`).indexes()
    const keys = Object.fromEntries(indexes.map(({ name, key }) => [name, Object.keys(key)]))
    expect(keys.user).toEqual(['k.app', 'k.by/user', 'k.at', '_id'])
    expect(keys.due).toEqual(['k.due/push', '_id'])
    expect(indexes.find(({ name }) => name === 'due')?.partialFilterExpression).toEqual({
      'k.due/push': { $exists: true },
    })
  })

  test('closes twice, and answers no more', async () => {
    const store = await openStore(url)
    await store[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    const lost = { name: 'Unavailable', code: 'store/closed' }
    await expect(store.load(newCollection(), ['a'])).rejects.toMatchObject(lost)
    await expect(store.serverTime()).rejects.toMatchObject(lost)
  })

  test("tells the server's time within what it says", async () => {
    await using store = await openStore(url)
    const { now, uncertaintyMs } = await store.serverTime()
    await using client = new MongoClient(url)
    const { localTime } = await client.db('admin').command({ isMaster: 1 })
    // Asked a moment later: of the same clock.
    expect(now - uncertaintyMs).toBeLessThanOrEqual(Number(localTime) + 1)
    expect(uncertaintyMs).toBeGreaterThanOrEqual(0)
  })

  describe('examining it', () => {
    test('says what it is, and that a server alone is one', async () => {
      const findings = await inspectMongo({ url, clock })
      expect(findings.every(({ level }) => level !== 'wrong')).toBe(true)
      const texts = findings.map(({ message }) => message).join('\n')
      expect(texts).toMatch(/MongoDB \d+\.\d+\.\d+ answers/)
      await using client = new MongoClient(url)
      const isAlone = (await client.db('admin').command({ isMaster: 1 })).setName === undefined
      expect(levels(findings)['documents/standalone']).toBe(isAlone ? 'warning' : undefined)
      const demanded = await inspectMongo({ url, clock, demandReplicaSet: true })
      expect(levels(demanded)['documents/standalone']).toBe(isAlone ? 'wrong' : undefined)
    })

    test('says that a server alone is not the replica set that the address asks for', async () => {
      await using client = new MongoClient(url)
      const { setName } = await client.db('admin').command({ isMaster: 1 })
      const asked = `${url}${url.includes('?') ? '&' : '?'}replicaSet=rs-other`
      const code = setName === undefined ? 'documents/standalone' : 'documents/set-name'
      const [only, ...others] = await inspectMongo({ url: asked, clock, timeoutMs: 1_000 })
      expect(only).toMatchObject({ level: 'wrong', code })
      expect(only?.message).toContain('rs-other')
      expect(others).toEqual([])
      const refused = { name: 'StartRefused', code }
      await expect(openStore(asked, { timeoutMs: 1_000 })).rejects.toMatchObject(refused)
    })

    test.each([-60_000, 60_000])('finds a clock that is %d ms off', async (offMs) => {
      const off: Clock = { ...clock, now: () => clock.now() + offMs }
      const found = (await inspectMongo({ url, clock: off })).find(
        ({ code }) => code === 'documents/clock',
      )
      expect(found).toMatchObject({
        level: 'wrong',
        message: expect.stringContaining(offMs < 0 ? 'behind' : 'ahead of'),
      })
      expect(levels(await inspectMongo({ url, clock }))['documents/clock']).toBeUndefined()
    })

    test('finds indexes that are not there yet', async () => {
      const collection = newCollection([{ name: 'n', fields: ['n'] }])
      const look = async () =>
        levels(await inspectMongo({ url, clock, collections: async () => [collection] }))[
          'documents/index-missing'
        ]
      expect(await look()).toBe('warning')
      await using store = await openStore(url)
      await insertAll(store, collection, { a: { n: 1 } })
      expect(await look()).toBeUndefined()
    })
  })
})
