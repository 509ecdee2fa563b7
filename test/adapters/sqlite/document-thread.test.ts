import { describe, expect, test } from 'vitest'
import { openSqliteDocumentStore } from '#adapters/sqlite/sqlite-document-store.ts'
import type { Clock } from '#ports/clock.ts'
import { insertAll, newCollection } from '../../contracts/document-samples.ts'
import { documentStoreContract } from '../../contracts/document-store.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { openTemporaryFolder } from './temporary-folder.ts'

const openInThread = (path: string, clock: Clock = createFakeClock()) =>
  openSqliteDocumentStore({ path, mode: 'write', thread: true, clock })

documentStoreContract('sqlite in a thread', async (clock) => {
  const folder = await openTemporaryFolder()
  const store = await openInThread(folder.file('documents.db'), clock)
  return {
    ...store,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
})

describe('the thread of the documents', () => {
  const collection = newCollection([{ name: 'n', fields: ['n'] }])

  test('says why it cannot start', async () => {
    await using folder = await openTemporaryFolder()
    await expect(openInThread(folder.file('missing/documents.db'))).rejects.toMatchObject({
      name: 'StartRefused',
      code: 'store/not-writable',
    })
  })

  test('tells what it refuses as if it were none', async () => {
    await using folder = await openTemporaryFolder()
    await using store = await openInThread(folder.file('documents.db'))
    await insertAll(store, collection, { a: { n: 2 } })
    const changed = { ...collection, indexes: [{ name: 'n', fields: ['n', 'm'] }] }
    await expect(store.load(changed, ['a'])).rejects.toMatchObject({
      name: 'StartRefused',
      code: 'store/index-changed',
    })
  })

  test('leaves its file to the next one', async () => {
    await using folder = await openTemporaryFolder()
    const path = folder.file('documents.db')
    {
      await using store = await openInThread(path)
      await insertAll(store, collection, { a: { n: 2 } })
    }
    await using store = await openSqliteDocumentStore({
      path,
      mode: 'write',
      clock: createFakeClock(),
    })
    expect((await store.load(collection, ['a'])).get('a')?.body).toEqual({ n: 2 })
  })
})
