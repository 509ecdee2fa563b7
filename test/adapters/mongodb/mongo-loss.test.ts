import { MongoClient } from 'mongodb'
import { describe, expect, test } from 'vitest'
import { insertAll, newCollection } from '../../contracts/document-samples.ts'
import { startMongoServer } from '../../support/mongodb/mongo-server.ts'
import { mongoStartable, noMongo } from '../../support/mongodb/test-mongo.ts'
import { openStore } from './mongo-store.ts'

const byN = { where: {}, order: { field: 'n', direction: 'ascending' }, limit: 10 } as const
const timeoutMs = 1_000

describe.skipIf(!mongoStartable)(`losing MongoDB ${mongoStartable ? '' : noMongo}`, () => {
  test('is said within the time of a call, and over once it is back', async () => {
    await using server = await startMongoServer()
    await using store = await openStore(`${server.url}/loss`, { timeoutMs })
    const collection = newCollection([{ name: 'n', fields: ['n'] }])
    await insertAll(store, collection, { a: { n: 1 } })
    await server.stop()
    const lost = { name: 'Unavailable', code: expect.stringMatching(/^documents\//) }
    await expect(store.load(collection, ['a'])).rejects.toMatchObject(lost)
    await expect(store.find(collection, byN)).rejects.toMatchObject(lost)
    await expect(insertAll(store, collection, { b: {} })).rejects.toMatchObject(lost)
    await expect(store.serverTime()).rejects.toMatchObject(lost)
    await server.start()
    // The driver finds it again by itself; a call waits for that as long as it has time.
    await expect.poll(() => store.find(collection, byN), { timeout: 15_000 }).toHaveLength(1)
    await insertAll(store, collection, { b: { n: 2 } })
    expect(await store.find(collection, byN)).toHaveLength(2)
  })

  test('is over after it was killed', async () => {
    await using server = await startMongoServer()
    await using store = await openStore(`${server.url}/loss`, { timeoutMs })
    const collection = newCollection([{ name: 'n', fields: ['n'] }])
    await insertAll(store, collection, { a: { n: 1 } })
    await server.kill()
    await expect(store.load(collection, ['a'])).rejects.toMatchObject({ name: 'Unavailable' })
    await server.start()
    await expect
      .poll(() => insertAll(store, collection, { b: { n: 2 } }).then(() => 'written'), {
        timeout: 15_000,
      })
      .toBe('written')
    expect((await store.load(collection, ['b'])).size).toBe(1)
  })

  test('is said when it hangs', async () => {
    await using server = await startMongoServer()
    await using store = await openStore(`${server.url}/loss`, { timeoutMs })
    const collection = newCollection()
    await insertAll(store, collection, { a: {} })
    server.freeze()
    await expect(store.load(collection, ['a'])).rejects.toMatchObject({
      name: 'Unavailable',
      code: expect.stringMatching(/^documents\/(?:timeout|unreachable)$/),
    })
    await expect(insertAll(store, collection, { b: {} })).rejects.toMatchObject({
      name: 'Unavailable',
    })
    server.thaw()
    await expect
      .poll(async () => (await store.load(collection, ['a'])).size, { timeout: 15_000 })
      .toBe(1)
  })

  test('of its data is coped with: collections and indexes come back', async () => {
    await using server = await startMongoServer()
    const url = `${server.url}/loss`
    await using store = await openStore(url)
    const collection = newCollection([{ name: 'n', fields: ['n'], partial: true }])
    await insertAll(store, collection, { a: { n: 1 } })
    expect(await store.find(collection, byN)).toHaveLength(1)
    await using client = new MongoClient(url)
    await client.db().dropDatabase()
    expect(await store.find(collection, byN)).toEqual([])
    await insertAll(store, collection, { a: { n: 2 }, b: {} })
    expect(await store.find(collection, byN)).toMatchObject([{ id: 'a', body: { n: 2 } }])
  })
})
