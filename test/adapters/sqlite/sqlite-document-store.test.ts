import { describe, expect, test } from 'vitest'
import { openSqliteDocumentStore } from '#adapters/sqlite/sqlite-document-store.ts'
import {
  insertAll,
  newCollection,
  newExpiringCollection,
} from '../../contracts/document-samples.ts'
import { documentStoreContract } from '../../contracts/document-store.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { openTemporaryFolder } from './temporary-folder.ts'

documentStoreContract('sqlite', async (clock) => {
  const folder = await openTemporaryFolder()
  const path = folder.file('documents.db')
  const store = await openSqliteDocumentStore({ path, mode: 'write', clock })
  return {
    ...store,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
})

describe('the SQLite document store', () => {
  const clock = createFakeClock()
  const collection = newCollection([{ name: 'n', fields: ['n'] }])
  const byN = { where: {}, order: { field: 'n', direction: 'ascending' }, limit: 10 } as const

  test('keeps its documents over a restart', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('documents.db')
    {
      await using store = await openSqliteDocumentStore({ path, mode: 'write', clock })
      await insertAll(store, collection, { a: { n: 2 }, b: { n: 1 } })
    }
    await using store = await openSqliteDocumentStore({ path, mode: 'write', clock })
    const same = { ...collection, indexes: [...collection.indexes] }
    expect((await store.find(same, byN)).map(({ id }) => id)).toEqual(['b', 'a'])
  })

  test('refuses a collection whose indexes changed within one version', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('documents.db')
    await using store = await openSqliteDocumentStore({ path, mode: 'write', clock })
    await insertAll(store, collection, { a: { n: 2 } })
    const changed = { ...collection, indexes: [{ name: 'n', fields: ['n', 'm'] }] }
    await expect(store.load(changed, ['a'])).rejects.toMatchObject({
      name: 'StartRefused',
      code: 'store/index-changed',
      message: expect.stringContaining("Raise the collection's version"),
    })
    expect((await store.load({ ...changed, version: 2 }, ['a'])).size).toBe(0)
  })

  test('shows a reader beside it what was written', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('documents.db')
    await using store = await openSqliteDocumentStore({ path, mode: 'write', clock })
    await using reader = await openSqliteDocumentStore({ path, mode: 'read-only', clock })
    expect(await reader.find(collection, byN)).toEqual([])
    expect((await reader.load(collection, ['a'])).size).toBe(0)
    await insertAll(store, collection, { a: { n: 2 } })
    expect(await reader.find(collection, byN)).toHaveLength(1)
    await store.write(collection, [{ do: 'delete', id: 'a', ifVersion: 0 }])
    expect((await reader.load(collection, ['a'])).size).toBe(0)
    await expect(reader.write(collection, [])).rejects.toMatchObject({ code: 'store/read-only' })
  })

  test('hides from a reader beside it what has expired, and lets it remove nothing', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('documents.db')
    const moving = createFakeClock()
    await using store = await openSqliteDocumentStore({ path, mode: 'write', clock: moving })
    const expiring = newExpiringCollection()
    await insertAll(store, expiring, { a: { until: moving.now() + 1 } })
    const mode = 'read-only'
    await using reader = await openSqliteDocumentStore({ path, mode, clock: moving })
    expect(await reader.scan(expiring, { limit: 1 })).toHaveLength(1)
    moving.jump(1)
    expect(await reader.scan(expiring, { limit: 1 })).toEqual([])
    await expect(reader.sweep(expiring, 10)).rejects.toMatchObject({ code: 'store/read-only' })
    expect(await store.sweep(expiring, 10)).toBe(1)
  })

  test('refuses to begin to expire within one version', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('documents.db')
    await using store = await openSqliteDocumentStore({ path, mode: 'write', clock })
    await insertAll(store, collection, { a: { n: 2 } })
    const expiring = { ...collection, expires: { field: 'until' } }
    await expect(store.load(expiring, ['a'])).rejects.toMatchObject({ code: 'store/index-changed' })
  })

  test('is not opened for reading where there is none', async () => {
    await using folder = await openTemporaryFolder()
    const opening = openSqliteDocumentStore({
      path: folder.file('none.db'),
      mode: 'read-only',
      clock,
    })
    await expect(opening).rejects.toMatchObject({ name: 'StartRefused', code: 'store/missing' })
  })
})
