import { describe, test } from 'vitest'
import type { DisposableEventStore } from '#ports/event-store.ts'
import { eventStoreContract } from '../../contracts/event-store.ts'
import { openDouble } from '../../support/eventstoredb/double.ts'
import { openStore } from './open-store.ts'

const onDouble = (append: 'classic' | 'batch') => async (): Promise<DisposableEventStore> => {
  const double = await openDouble()
  const store = await openStore(double.url, { append })
  const close = async (): Promise<void> => {
    await store[Symbol.asyncDispose]()
    await double[Symbol.asyncDispose]()
  }
  return { ...store, [Symbol.asyncDispose]: close }
}

eventStoreContract('EventStoreDB, played by a double', onDouble('classic'), { unordered: true })
eventStoreContract('EventStoreDB, played by a double, in batches', onDouble('batch'), {
  unordered: true,
})

/** A server for tests, with no other writer beside the suites; what earlier runs left in it does no harm. */
const url = process.env.PABAL_TEST_EVENTSTOREDB_URL || undefined

if (url === undefined)
  describe('event store: EventStoreDB (PABAL_TEST_EVENTSTOREDB_URL names no server)', () => {
    test.skip('a real server', () => undefined)
  })
else {
  const onServer = (append: 'classic' | 'batch') => () => openStore(url, { append, timing: {} })
  eventStoreContract('EventStoreDB', onServer('classic'), { shared: true, unordered: true })
  eventStoreContract('EventStoreDB, in batches', onServer('batch'), {
    shared: true,
    unordered: true,
  })
}
