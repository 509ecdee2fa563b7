import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { eventStoreContract } from '../../contracts/event-store.ts'
import { openTemporaryFolder } from './temporary-folder.ts'

eventStoreContract('sqlite', async () => {
  const folder = await openTemporaryFolder()
  const store = await openSqliteEventStore({ path: folder.file('log.db'), mode: 'write' })
  return {
    ...store,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
})
