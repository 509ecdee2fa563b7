import { describe, expect, test } from 'vitest'
import type {
  Change,
  CollectionDeclaration,
  DocumentStore,
  StoredDocument,
} from '#ports/document-store.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import {
  document,
  findAll,
  idsOf,
  insert,
  insertAll,
  newExpiringCollection,
} from './document-samples.ts'
import type { OpenDocumentStoreAt } from './document-store.ts'

const byNumber = [{ name: 'n', fields: ['app', 'n'] }]
const byDue = [{ name: 'due', fields: ['due'], partial: true }]

const replace = (id: string, ifVersion: number, body: StoredDocument['body']): Change => ({
  do: 'replace',
  document: document(id, ifVersion + 1, body),
  ifVersion,
})

const numbers = (direction: 'ascending' | 'descending', limit = 100) => ({
  where: { app: 'a' },
  order: { field: 'n', direction },
  limit,
})

const shown = async (store: DocumentStore, collection: CollectionDeclaration) =>
  idsOf(await store.scan(collection, { limit: 100 }))

export const expiringContract = (open: OpenDocumentStoreAt): void => {
  describe('a document that expires', () => {
    test('is shown until its very moment, and from then on by no reading', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection(byNumber)
      const until = clock.now() + 1_000
      await insertAll(store, collection, {
        a: { app: 'a', n: 1, until },
        b: { app: 'a', n: 2, until: until + 1 },
      })
      const readings = async () => [
        [...(await store.load(collection, ['a', 'b'])).keys()].toSorted(),
        idsOf(await store.find(collection, numbers('ascending'))),
        idsOf(await store.find(collection, numbers('descending'))).toReversed(),
        await shown(store, collection),
      ]
      const all = (ids: readonly string[]) => Array.from({ length: 4 }, () => ids)
      clock.jump(999)
      expect(await readings()).toEqual(all(['a', 'b']))
      clock.jump(1)
      expect(await readings()).toEqual(all(['b']))
      clock.jump(1)
      expect(await readings()).toEqual(all([]))
    })

    test('says so in a number: without one it stays', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection: CollectionDeclaration = {
        ...newExpiringCollection(),
        expires: { field: 'life.until' },
      }
      await insertAll(store, collection, {
        absent: {},
        dotted: { 'life.until': 1 },
        nothing: { life: { until: null } },
        number: { life: { until: 1 } },
        object: { life: { until: { at: 1 } } },
        text: { life: { until: '1' } },
      })
      const staying = ['absent', 'dotted', 'nothing', 'object', 'text']
      expect(await shown(store, collection)).toEqual(staying)
      expect([...(await store.load(collection, ['number', ...staying])).keys()].toSorted()).toEqual(
        staying,
      )
    })

    test('is hidden where it was shown before', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection()
      await insertAll(store, collection, { a: { until: clock.now() + 10 } })
      expect((await store.load(collection, ['a'])).has('a')).toBe(true)
      clock.jump(10)
      expect((await store.load(collection, ['a'])).has('a')).toBe(false)
    })

    test('is hidden in what an index finds, and leaves the pages complete', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection(byNumber)
      const until = clock.now() + 1_000
      const ids = Array.from({ length: 40 }, (_, at) => `id-${String(at).padStart(2, '0')}`)
      const bodyOf = (at: number) => ({
        ...{ app: 'a', n: Math.floor(at / 7) },
        ...(at % 3 === 0 && { until }),
      })
      const bodies = Object.fromEntries(ids.map((id, at) => [id, bodyOf(at)]))
      await insertAll(store, collection, bodies)
      const staying = ids.filter((_, at) => at % 3 !== 0)
      const order = ({ body }: StoredDocument) => body.n as number
      clock.jump(1_000)
      for (const limit of [1, 4, 7, 100]) {
        const pages = (direction: 'ascending' | 'descending') =>
          findAll(store, collection, numbers(direction, limit), order)
        expect(await pages('ascending')).toEqual(staying)
        expect(await pages('descending')).toEqual(staying.toReversed())
      }
      const range = { ...numbers('ascending'), range: { field: 'n', from: 1, to: 2 } }
      expect(idsOf(await store.find(collection, range))).toEqual(
        staying.filter((id) => id >= 'id-07' && id <= 'id-20'),
      )
    })

    test('may expire between two pages, and be where the next one goes on', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection(byNumber)
      const until = clock.now() + 1_000
      await insertAll(store, collection, {
        a: { app: 'a', n: 1 },
        b: { app: 'a', n: 1, until },
        c: { app: 'a', n: 1, until },
        d: { app: 'a', n: 2 },
      })
      const found = idsOf(await store.find(collection, numbers('ascending', 2)))
      const scanned = idsOf(await store.scan(collection, { limit: 2 }))
      expect([found, scanned]).toEqual([
        ['a', 'b'],
        ['a', 'b'],
      ])
      clock.jump(1_000)
      const after = { value: 1, id: 'b' }
      const next = await store.find(collection, { ...numbers('ascending', 2), after })
      expect(idsOf(next)).toEqual(['d'])
      expect(idsOf(await store.scan(collection, { after: 'b', limit: 2 }))).toEqual(['d'])
    })

    test('is hidden in an index that holds only some', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection(byDue)
      const until = clock.now() + 1_000
      await insertAll(store, collection, {
        a: { due: 3, until },
        b: { due: 2, until: until + 1 },
        c: { due: 1 },
        d: { until },
      })
      clock.jump(1_000)
      const order = { field: 'due', direction: 'ascending' } as const
      const due = await store.find(collection, { where: {}, order, limit: 10 })
      expect(idsOf(due)).toEqual(['c', 'b'])
    })
  })

  describe('the place of what has expired', () => {
    test('is taken by an insert, under whatever version', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection(byNumber)
      const until = clock.now() + 1_000
      const old = [insert('a', { app: 'a', n: 1, until, old: true }, 7), insert('b', { until }, 3)]
      await store.write(collection, old)
      clock.jump(999)
      expect((await store.write(collection, [insert('a', {}, 8)])).conflicts).toEqual(['a'])
      clock.jump(1)
      const next = { app: 'a', n: 5, until: until + 1_000 }
      const { conflicts } = await store.write(collection, [insert('a', next, 2), insert('c')])
      expect(conflicts).toEqual([])
      const wanted = document('a', 2, next)
      expect((await store.load(collection, ['a'])).get('a')).toEqual(wanted)
      expect(await store.find(collection, numbers('ascending'))).toEqual([wanted])
      expect(await shown(store, collection)).toEqual(['a', 'c'])
      expect((await store.write(collection, [insert('a', {}, 9)])).conflicts).toEqual(['a'])
    })

    test('is taken once in one write, and beside what is still there', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection()
      await insertAll(store, collection, { a: { until: clock.now() }, b: {} })
      const { conflicts } = await store.write(collection, [
        insert('a', { is: 'first' }),
        insert('b', { is: 'late' }),
        insert('a', { is: 'second' }),
      ])
      expect(conflicts.toSorted()).toEqual(['a', 'b'])
      const loaded = await store.load(collection, ['a', 'b'])
      expect([loaded.get('a')?.body, loaded.get('b')?.body]).toEqual([{ is: 'first' }, {}])
    })

    test('has one winner of ten', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection()
      await insertAll(store, collection, { a: { until: clock.now() } })
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, by) => store.write(collection, [insert('a', { by })])),
      )
      const winners = answers.flatMap(({ conflicts }, by) => (conflicts.length === 0 ? [by] : []))
      expect(winners).toHaveLength(1)
      const loaded = await store.load(collection, ['a'])
      expect(loaded.get('a')?.body).toEqual({ by: winners[0] })
    })

    test('may be written expired, and is then as good as free', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection()
      const write = () => store.write(collection, [insert('a', { until: clock.now() - 1 })])
      expect((await write()).conflicts).toEqual([])
      expect((await store.load(collection, ['a'])).size).toBe(0)
      expect((await write()).conflicts).toEqual([])
    })

    test('is still its version’s to whoever had loaded it before', async () => {
      const clock = createFakeClock()
      await using store = await open(clock)
      const collection = newExpiringCollection()
      const until = clock.now() + 1_000
      await insertAll(store, collection, { a: { until }, b: { until }, c: { until }, d: { until } })
      clock.jump(1_000)
      const { conflicts } = await store.write(collection, [
        replace('a', 0, { until: until + 1_000 }),
        replace('b', 0, { until }),
        replace('c', 1, { until: until + 1_000 }),
        { do: 'delete', id: 'd', ifVersion: 0 },
      ])
      expect(conflicts).toEqual(['c'])
      expect(await store.scan(collection, { limit: 10 })).toEqual([
        document('a', 1, { until: until + 1_000 }),
      ])
      const again: readonly Change[] = [
        replace('b', 0, {}),
        { do: 'delete', id: 'd', ifVersion: 0 },
      ]
      const { conflicts: late } = await store.write(collection, again)
      expect(late.toSorted()).toEqual(['b', 'd'])
    })
  })
}
