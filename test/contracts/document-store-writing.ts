import { describe, expect, test } from 'vitest'
import type { DocumentBody } from '#ports/document-store.ts'
import { document, idsOf, insert, insertAll, newCollection } from './document-samples.ts'
import type { OpenDocumentStore } from './document-store.ts'

export const writingContract = (open: OpenDocumentStore): void => {
  describe('writing', () => {
    test('inserts what is not there', async () => {
      await using store = await open()
      const collection = newCollection()
      const first = await store.write(collection, [insert('a', { n: 1 }, 7)])
      expect(first.conflicts).toEqual([])
      const second = await store.write(collection, [insert('a', { n: 2 }, 8)])
      expect(second.conflicts).toEqual(['a'])
      const loaded = await store.load(collection, ['a', 'b'])
      expect([...loaded]).toEqual([['a', document('a', 7, { n: 1 })]])
    })

    test('replaces only the version that was expected', async () => {
      await using store = await open()
      const collection = newCollection()
      await store.write(collection, [insert('a', { n: 1, gone: true }, 3)])
      const replace = (version: number, ifVersion: number) =>
        store.write(collection, [
          { do: 'replace', document: document('a', version, { n: version }), ifVersion },
        ])
      expect((await replace(9, 2)).conflicts).toEqual(['a'])
      expect((await replace(9, 3)).conflicts).toEqual([])
      expect((await replace(10, 3)).conflicts).toEqual(['a'])
      expect((await store.load(collection, ['a'])).get('a')).toEqual(document('a', 9, { n: 9 }))
    })

    test('replaces nothing that is not there', async () => {
      await using store = await open()
      const collection = newCollection()
      const { conflicts } = await store.write(collection, [
        { do: 'replace', document: document('a', 2), ifVersion: 1 },
      ])
      expect(conflicts).toEqual(['a'])
      expect((await store.load(collection, ['a'])).size).toBe(0)
    })

    test('deletes only the version that was expected', async () => {
      await using store = await open()
      const collection = newCollection()
      await store.write(collection, [insert('a', {}, 3)])
      const remove = (ifVersion: number) =>
        store.write(collection, [{ do: 'delete', id: 'a', ifVersion }])
      expect((await remove(4)).conflicts).toEqual(['a'])
      expect((await remove(3)).conflicts).toEqual([])
      expect((await remove(3)).conflicts).toEqual(['a'])
      expect((await store.load(collection, ['a'])).size).toBe(0)
      expect((await store.write(collection, [insert('a')])).conflicts).toEqual([])
    })

    test('applies each change on its own and names the conflicts', async () => {
      await using store = await open()
      const collection = newCollection()
      await insertAll(store, collection, { a: {}, b: {}, c: {}, d: {} })
      const { conflicts } = await store.write(collection, [
        insert('a', { late: true }),
        { do: 'replace', document: document('b', 1, { new: true }), ifVersion: 0 },
        { do: 'replace', document: document('c', 6, { new: true }), ifVersion: 5 },
        { do: 'delete', id: 'd', ifVersion: 0 },
        { do: 'delete', id: 'x', ifVersion: 0 },
        insert('e', { new: true }),
      ])
      expect(conflicts.toSorted()).toEqual(['a', 'c', 'x'])
      const loaded = await store.load(collection, ['a', 'b', 'c', 'd', 'e'])
      expect(loaded.get('a')?.body).toEqual({})
      expect(loaded.get('b')).toEqual(document('b', 1, { new: true }))
      expect(loaded.get('c')?.version).toBe(0)
      expect(loaded.has('d')).toBe(false)
      expect(loaded.get('e')?.body).toEqual({ new: true })
    })

    test('leaves one winner of ten at one version', async () => {
      await using store = await open()
      const collection = newCollection()
      await store.write(collection, [insert('lease')])
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, holder) =>
          store.write(collection, [
            { do: 'replace', document: document('lease', 1, { holder }), ifVersion: 0 },
          ]),
        ),
      )
      const winners = answers.flatMap(({ conflicts }, at) => (conflicts.length === 0 ? [at] : []))
      expect(winners).toHaveLength(1)
      const lease = (await store.load(collection, ['lease'])).get('lease')
      expect(lease?.body).toEqual({ holder: winners[0] })
    })

    test('takes and gives a thousand documents at once', async () => {
      await using store = await open()
      const collection = newCollection([{ name: 'n', fields: ['n'] }])
      const ids = Array.from({ length: 1000 }, (_, n) => `id-${n}`)
      await store.write(
        collection,
        ids.map((id, n) => insert(id, { n })),
      )
      const loaded = await store.load(collection, [...ids, 'missing'])
      expect(loaded.size).toBe(1000)
      expect(loaded.get('id-999')?.body).toEqual({ n: 999 })
    })
  })

  describe('a body', () => {
    const bodies: Readonly<Record<string, DocumentBody>> = {
      'keys that begin with $': { $set: { a: 1 }, $literal: '$a', nested: { $gt: '' } },
      'values that look like fields': { text: '$$ROOT', other: '$text' },
      'keys with dots': { 'a.b': 1, a: { b: 2, 'c.d': { 'e.': 3 } }, '': 'empty' },
      'texts of all scripts': { text: '하림 👩‍👩‍👧 "\\ \u0000 \u2028', ключ: 'שלום' },
      'all kinds of JSON': { list: [1, -2.5, 1e21, true, null, [], {}], null: null, big: 2 ** 53 },
      'lone surrogates': { text: 'a\ud800', '\udc00': ['\ud83d'] },
      'numbers that are hard to keep': {
        n: [2 ** 53 - 1, 2 ** 31, -(2 ** 31) - 1, 5e-324, 0.1, 1e308],
      },
      'a key named __proto__': JSON.parse('{"__proto__":{"polluted":true}}'),
    }

    test.each(Object.entries(bodies))('keeps %s', async (_, body) => {
      await using store = await open()
      const collection = newCollection([{ name: 'text', fields: ['text'] }])
      await store.write(collection, [insert('a', body)])
      await store.write(collection, [
        { do: 'replace', document: document('a', 1, body), ifVersion: 0 },
      ])
      const found = (await store.load(collection, ['a'])).get('a')
      expect(JSON.stringify(found?.body)).toBe(JSON.stringify(body))
      const [scanned] = await store.scan(collection, { limit: 1 })
      expect(JSON.stringify(scanned?.body)).toBe(JSON.stringify(body))
      expect('polluted' in {}).toBe(false)
    })

    test('does not change with the object that was written', async () => {
      await using store = await open()
      const collection = newCollection()
      const body = { when: new Date(0), absent: undefined }
      await store.write(collection, [insert('a', body)])
      const found = (await store.load(collection, ['a'])).get('a')
      expect(found?.body).toStrictEqual({ when: '1970-01-01T00:00:00.000Z' })
    })
  })

  describe('a collection', () => {
    test('is another one in its next version', async () => {
      await using store = await open()
      const first = newCollection([{ name: 'n', fields: ['n'] }])
      const second = { ...first, version: 2, indexes: [{ name: 'm', fields: ['m'] }] }
      await store.write(first, [insert('a', { n: 1 })])
      await store.write(second, [insert('a', { m: 2 }, 5), insert('b', { m: 1 })])
      expect((await store.load(first, ['a'])).get('a')).toEqual(document('a', 0, { n: 1 }))
      expect(idsOf(await store.scan(second, { limit: 10 }))).toEqual(['a', 'b'])
      await store.drop(first)
      expect((await store.load(first, ['a'])).size).toBe(0)
      expect((await store.load(second, ['a'])).get('a')?.version).toBe(5)
    })

    test('is empty before its first document and after it was dropped', async () => {
      await using store = await open()
      const collection = newCollection([{ name: 'n', fields: ['n'] }])
      await store.drop(collection)
      expect((await store.load(collection, ['a'])).size).toBe(0)
      await insertAll(store, collection, { a: { n: 1 } })
      await store.drop(collection)
      expect((await store.load(collection, ['a'])).size).toBe(0)
      expect(await store.scan(collection, { limit: 10 })).toEqual([])
      expect((await store.write(collection, [insert('a')])).conflicts).toEqual([])
    })

    test('is scanned in the order of ids, by pages', async () => {
      await using store = await open()
      const collection = newCollection()
      const ids = ['B', 'a', 'a1', 'a10', 'a2', '하', '\u{ffee}', '\u{1f600}', 'Ω', '-']
      for (const id of ids) await store.write(collection, [insert(id)])
      const ordered = ['-', 'B', 'a', 'a1', 'a10', 'a2', 'Ω', '하', '\u{ffee}', '\u{1f600}']
      const seen: string[] = []
      for (let after: string | undefined; ; ) {
        const options = after === undefined ? { limit: 3 } : { after, limit: 3 }
        const page = idsOf(await store.scan(collection, options))
        seen.push(...page)
        after = page.at(-1)
        if (after === undefined) break
      }
      expect(seen).toEqual(ordered)
    })
  })
}
