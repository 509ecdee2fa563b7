import { describe, expect, test } from 'vitest'
import type { DocumentBody, Find, StoredDocument } from '#ports/document-store.ts'
import { document, findAll, idsOf, insertAll, newCollection } from './document-samples.ts'
import type { OpenDocumentStore } from './document-store.ts'

const byTime = newCollection([{ name: 'user', fields: ['app', 'userId', 'at'] }]).indexes
const byNumber = [{ name: 'n', fields: ['n'] }]
const byDue = [{ name: 'due-push', fields: ['due.push'], partial: true }]

const ascending = (field: string, more: Partial<Find> = {}): Find => ({
  where: {},
  order: { field, direction: 'ascending' },
  limit: 100,
  ...more,
})

export const findingContract = (open: OpenDocumentStore): void => {
  describe('finding', () => {
    test('takes what is equal, in both directions', async () => {
      await using store = await open()
      const collection = newCollection(byTime)
      await insertAll(store, collection, {
        a: { app: 'one', userId: 'u', at: '2026-01-03' },
        b: { app: 'one', userId: 'u', at: '2026-01-01' },
        c: { app: 'one', userId: 'v', at: '2026-01-02' },
        d: { app: 'two', userId: 'u', at: '2026-01-02' },
        e: { app: 'one', userId: 'u', at: '2026-01-02' },
      })
      const find = async (direction: 'ascending' | 'descending', limit = 100) =>
        idsOf(
          await store.find(collection, {
            where: { userId: 'u', app: 'one' },
            order: { field: 'at', direction },
            limit,
          }),
        )
      expect(await find('ascending')).toEqual(['b', 'e', 'a'])
      expect(await find('descending')).toEqual(['a', 'e', 'b'])
      expect(await find('descending', 2)).toEqual(['a', 'e'])
    })

    test('takes a range with both of its ends', async () => {
      await using store = await open()
      const collection = newCollection(byNumber)
      const bodies: Record<string, DocumentBody> = {}
      for (let n = 0; n < 10; n++) bodies[`id-${n}`] = { n: n * 10 }
      await insertAll(store, collection, bodies)
      const find = async (range: { from?: number; to?: number }) =>
        idsOf(await store.find(collection, ascending('n', { range: { field: 'n', ...range } })))
      expect(await find({ from: 20, to: 40 })).toEqual(['id-2', 'id-3', 'id-4'])
      expect(await find({ from: 75 })).toEqual(['id-8', 'id-9'])
      expect(await find({ to: 10 })).toEqual(['id-0', 'id-1'])
      expect(await find({ from: 41, to: 49 })).toEqual([])
      expect(await find({})).toHaveLength(10)
    })

    test('orders numbers by size and texts by code point', async () => {
      await using store = await open()
      const collection = newCollection(byNumber)
      await insertAll(store, collection, {
        a: { n: 10 },
        b: { n: 9 },
        c: { n: -1.5 },
        d: { n: 2 ** 40 },
        e: { n: 0 },
      })
      expect(idsOf(await store.find(collection, ascending('n')))).toEqual(['c', 'e', 'b', 'a', 'd'])
      const texts = newCollection(byNumber)
      const ordered = ['', '10', '9', 'B', 'a', 'é', '하', '\u{ffee}', '\u{1f600}']
      const bodies = Object.fromEntries(
        ordered.toReversed().map((n) => [`id ${ordered.indexOf(n)}`, { n }]),
      )
      await insertAll(store, texts, bodies)
      expect(idsOf(await store.find(texts, ascending('n')))).toEqual(
        ordered.map((_, at) => `id ${at}`),
      )
    })

    test('orders all numbers before all texts, over pages and within a range', async () => {
      await using store = await open()
      const collection = newCollection(byNumber)
      await insertAll(store, collection, {
        a: { n: 'x' },
        b: { n: 7 },
        c: { n: '' },
        d: { n: -7 },
        e: { n: '7' },
        f: { n: 7 },
      })
      const ordered = ['d', 'b', 'f', 'c', 'e', 'a']
      const page = ascending('n', { limit: 1 })
      const numberOrText = ({ body }: StoredDocument) => body.n as string | number
      expect(await findAll(store, collection, page, numberOrText)).toEqual(ordered)
      const back = { ...page, order: { field: 'n', direction: 'descending' as const } }
      expect(await findAll(store, collection, back, numberOrText)).toEqual(ordered.toReversed())
      const find = async (range: { from?: string | number; to?: string | number }) =>
        idsOf(await store.find(collection, ascending('n', { range: { field: 'n', ...range } })))
      expect(await find({ from: 0 })).toEqual(['b', 'f', 'c', 'e', 'a'])
      expect(await find({ to: '' })).toEqual(['d', 'b', 'f', 'c'])
      expect(await find({ from: '7' })).toEqual(['e', 'a'])
    })

    test('tells true from false', async () => {
      await using store = await open()
      const collection = newCollection([{ name: 'stale', fields: ['stale', 'n'] }])
      await insertAll(store, collection, {
        a: { stale: true, n: 1 },
        b: { stale: false, n: 2 },
        c: { n: 3 },
      })
      const find = async (stale: boolean) =>
        idsOf(await store.find(collection, ascending('n', { where: { stale } })))
      expect(await find(true)).toEqual(['a'])
      expect(await find(false)).toEqual(['b'])
    })

    test('goes on after the last document, complete and without repetition among ties', async () => {
      await using store = await open()
      const collection = newCollection([{ name: 'n', fields: ['app', 'n'] }])
      const bodies: Record<string, DocumentBody> = {}
      for (let at = 0; at < 50; at++)
        bodies[`id-${String(at).padStart(2, '0')}`] = { app: 'a', n: Math.floor(at / 9) }
      await insertAll(store, collection, { ...bodies, other: { app: 'b', n: 1 } })
      const ids = Object.keys(bodies)
      for (const limit of [1, 4, 9, 50]) {
        const query = ascending('n', { where: { app: 'a' }, limit })
        const all = await findAll(store, collection, query, ({ body }) => body.n as number)
        expect(all).toEqual(ids)
        const order = { field: 'n', direction: 'descending' as const }
        const back = { ...query, order }
        const reversed = await findAll(store, collection, back, ({ body }) => body.n as number)
        expect(reversed).toEqual(ids.toReversed())
      }
      const from = { value: 2, id: 'id-20' }
      const range = { field: 'n', to: 2 }
      const rest = ascending('n', { where: { app: 'a' }, range, after: from })
      expect(idsOf(await store.find(collection, rest))).toEqual(ids.slice(21, 27))
    })

    test('orders ties by id, also through an index that goes on', async () => {
      await using store = await open()
      const collection = newCollection([{ name: 'long', fields: ['n', 'm'] }])
      await insertAll(store, collection, {
        a: { n: 1, m: 3 },
        b: { n: 1, m: 1 },
        c: { n: 0, m: 9 },
        d: { n: 1 },
      })
      const query = ascending('n', { limit: 1 })
      const all = await findAll(store, collection, query, ({ body }) => body.n as number)
      expect(all).toEqual(['c', 'a', 'b', 'd'])
    })

    test('passes over documents without the field of the order', async () => {
      await using store = await open()
      const collection = newCollection(byDue)
      await insertAll(store, collection, {
        a: { due: { push: 30 } },
        b: { due: {} },
        c: {},
        d: { due: { push: 10 } },
        e: { due: null },
        f: { due: { push: null } },
        g: { 'due.push': 5 },
        h: { due: { push: { at: 1 } } },
      })
      expect(idsOf(await store.find(collection, ascending('due.push')))).toEqual(['d', 'a'])
      const range = { field: 'due.push', to: 20 }
      expect(idsOf(await store.find(collection, ascending('due.push', { range })))).toEqual(['d'])
    })

    test('follows a document that gains, changes and loses its value', async () => {
      await using store = await open()
      const collection = newCollection(byDue)
      const states: readonly DocumentBody[] = [{}, { due: { push: 5 } }, { due: { push: 9 } }, {}]
      const found: (readonly string[])[] = []
      await insertAll(store, collection, { a: {}, b: { due: { push: 7 } } })
      for (const [at, body] of states.entries()) {
        await store.write(collection, [
          { do: 'replace', document: document('a', at + 1, body), ifVersion: at },
        ])
        found.push(idsOf(await store.find(collection, ascending('due.push'))))
      }
      expect(found).toEqual([['b'], ['a', 'b'], ['b', 'a'], ['b']])
    })

    test('gives the documents as they were written', async () => {
      await using store = await open()
      const collection = newCollection(byNumber)
      await insertAll(store, collection, { a: { n: 1, $more: ['하'] } })
      expect(await store.find(collection, ascending('n'))).toEqual([
        document('a', 0, { n: 1, $more: ['하'] }),
      ])
    })
  })
}
