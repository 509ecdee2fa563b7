import { describe, expect, test } from 'vitest'
import { openSqliteDocumentStore } from '#adapters/sqlite/sqlite-document-store.ts'
import { insertAll, newCollection } from '../../contracts/document-samples.ts'
import { documentStoreContract } from '../../contracts/document-store.ts'
import { openTemporaryFolder } from './temporary-folder.ts'

documentStoreContract('sqlite', async () => {
  const folder = await openTemporaryFolder()
  const store = await openSqliteDocumentStore({ path: folder.file('documents.db'), mode: 'write' })
  return {
    ...store,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
})

describe('the SQLite document store', () => {
  const collection = newCollection([{ name: 'n', fields: ['n'] }])
  const byN = { where: {}, order: { field: 'n', direction: 'ascending' }, limit: 10 } as const

  test('keeps its documents over a restart', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('documents.db')
    {
      await using store = await openSqliteDocumentStore({ path, mode: 'write' })
      await insertAll(store, collection, { a: { n: 2 }, b: { n: 1 } })
    }
    await using store = await openSqliteDocumentStore({ path, mode: 'write' })
    const same = { ...collection, indexes: [...collection.indexes] }
    expect((await store.find(same, byN)).map(({ id }) => id)).toEqual(['b', 'a'])
  })

  test('refuses a collection whose indexes changed within one version', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('documents.db')
    await using store = await openSqliteDocumentStore({ path, mode: 'write' })
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
    await using store = await openSqliteDocumentStore({ path, mode: 'write' })
    await using reader = await openSqliteDocumentStore({ path, mode: 'read-only' })
    expect(await reader.find(collection, byN)).toEqual([])
    expect((await reader.load(collection, ['a'])).size).toBe(0)
    await insertAll(store, collection, { a: { n: 2 } })
    expect(await reader.find(collection, byN)).toHaveLength(1)
    await store.write(collection, [{ do: 'delete', id: 'a', ifVersion: 0 }])
    expect((await reader.load(collection, ['a'])).size).toBe(0)
    await expect(reader.write(collection, [])).rejects.toMatchObject({ code: 'store/read-only' })
  })

  test('is not opened for reading where there is none', async () => {
    await using folder = await openTemporaryFolder()
    const opening = openSqliteDocumentStore({ path: folder.file('none.db'), mode: 'read-only' })
    await expect(opening).rejects.toMatchObject({ name: 'StartRefused', code: 'store/missing' })
  })
})
