import { describe, expect, test } from 'vitest'
import type { Change, CollectionDeclaration, DocumentStore } from '#ports/document-store.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import {
  document,
  idsOf,
  insert,
  insertAll,
  newCollection,
  newExpiringCollection,
} from './document-samples.ts'
import type { OpenDocumentStoreAt } from './document-store.ts'

const shown = async (store: DocumentStore, collection: CollectionDeclaration) =>
  idsOf(await store.scan(collection, { limit: 1_000 }))

export const sweepingContract = (open: OpenDocumentStoreAt): void => {
  describe('sweeping', () => {
    test('removes so many at a time, longest ago first, and counts them', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection()
      const now = clock.now()
      await insertAll(store, collection, {
        a: { until: now + 50 },
        b: { until: now + 10 },
        c: { until: now + 30 },
        d: { until: now + 20 },
        e: { until: now + 40 },
        later: { until: now + 51 },
        never: {},
      })
      const ids = ['a', 'b', 'c', 'd', 'e']
      // A store may remember what it gave.
      expect((await store.load(collection, ids)).size).toBe(5)
      expect(await store.sweep(collection, 10)).toBe(0)
      const left: (readonly string[])[] = []
      const counts: number[] = []
      for (let time = 0; time < 4; time += 1) {
        clock.jump(50)
        counts.push(await store.sweep(collection, 2))
        // Before it had expired, all would be shown that is there.
        clock.jump(-50)
        left.push(await shown(store, collection))
      }
      expect(counts).toEqual([2, 2, 1, 0])
      expect(left).toEqual([
        ['a', 'c', 'e', 'later', 'never'],
        ['a', 'later', 'never'],
        ['later', 'never'],
        ['later', 'never'],
      ])
      expect((await store.load(collection, ids)).size).toBe(0)
    })

    test('removes a whole page and leaves what is more', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection()
      const until = clock.now()
      const bodies = Array.from({ length: 1_001 }, (_, at) => [`id-${at}`, { until }] as const)
      await insertAll(store, collection, Object.fromEntries(bodies))
      expect(await store.sweep(collection, 1_000)).toBe(1_000)
      expect(await store.sweep(collection, 1_000)).toBe(1)
    })

    test('leaves every other collection alone', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection()
      const next = { ...collection, version: 2 }
      const lasting = newCollection()
      const body = { until: clock.now() + 10 }
      for (const each of [collection, next, lasting]) await insertAll(store, each, { a: body })
      clock.jump(10)
      expect(await store.sweep(lasting, 10)).toBe(0)
      expect(await store.sweep(collection, 10)).toBe(1)
      expect(await shown(store, lasting)).toEqual(['a'])
      clock.jump(-10)
      expect(await shown(store, collection)).toEqual([])
      expect(await shown(store, next)).toEqual(['a'])
    })

    test('finds nothing where nothing was ever written', async () => {
      await using store = await open(createFakeClock())
      expect(await store.sweep(newExpiringCollection(), 10)).toBe(0)
    })

    test('leaves nothing for whoever had loaded what was swept, and the place free', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection()
      await insertAll(store, collection, { a: { until: clock.now() }, b: { until: clock.now() } })
      expect(await store.sweep(collection, 10)).toBe(2)
      const changes: readonly Change[] = [
        { do: 'replace', document: document('a', 1, {}), ifVersion: 0 },
        { do: 'delete', id: 'b', ifVersion: 0 },
      ]
      expect((await store.write(collection, changes)).conflicts.toSorted()).toEqual(['a', 'b'])
      expect((await store.write(collection, [insert('a'), insert('b')])).conflicts).toEqual([])
      expect(await shown(store, collection)).toEqual(['a', 'b'])
    })

    test('beside an insert in the same place keeps what was inserted', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection()
      const ids = Array.from({ length: 20 }, (_, at) => `id-${at}`)
      const old = ids.map((id) => [id, { until: clock.now() }] as const)
      await insertAll(store, collection, Object.fromEntries(old))
      const writes = ids.map((id) => store.write(collection, [insert(id, { is: 'new' }, 1)]))
      const sweeps = [store.sweep(collection, 10), store.sweep(collection, 10)]
      const answers = await Promise.all(writes)
      await Promise.all(sweeps)
      const refused = answers.flatMap(({ conflicts }) => conflicts)
      // Told of a conflict because the place was being swept, one tries again.
      const again = await store.write(
        collection,
        refused.map((id) => insert(id, { is: 'new' }, 1)),
      )
      expect(again.conflicts).toEqual([])
      await store.sweep(collection, 100)
      const loaded = await store.load(collection, ids)
      expect(ids.map((id) => loaded.get(id))).toEqual(
        ids.map((id) => document(id, 1, { is: 'new' })),
      )
    })

    test.each([0, 1.5, 1_001])('is refused for %d documents', async (limit) => {
      await using store = await open(createFakeClock())
      await expect(store.sweep(newExpiringCollection(), limit)).rejects.toThrow(RangeError)
      await expect(store.sweep(newCollection(), limit)).rejects.toThrow(RangeError)
    })

    test('needs its index for itself', async () => {
      await using store = await open(createFakeClock())
      const collection = newExpiringCollection([{ name: 'expires', fields: ['n'] }])
      await expect(store.load(collection, ['a'])).rejects.toThrow(TypeError)
    })
  })
}
