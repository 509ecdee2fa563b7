import { describe, expect, test } from 'vitest'
import { bodyBytesMax } from '#ports/document-query.ts'
import { type Change, type Find, NotIndexed } from '#ports/document-store.ts'
import { document, insert, newCollection } from './document-samples.ts'
import type { OpenDocumentStore } from './document-store.ts'

const order = { field: 'at', direction: 'ascending' } as const

const unserved: Readonly<Record<string, Find>> = {
  'an equality that no index has': { where: { color: 'red' }, order, limit: 1 },
  'an equality too few': { where: { app: 'a' }, order, limit: 1 },
  'an equality too many': { where: { app: 'a', userId: 'u', at: 'x' }, order, limit: 1 },
  'another order': {
    where: { app: 'a', userId: 'u' },
    order: { ...order, field: 'color' },
    limit: 1,
  },
  'a range over another field': {
    where: { app: 'a', userId: 'u' },
    range: { field: 'color', from: 1 },
    order,
    limit: 1,
  },
  'the second part of an index': { where: { userId: 'u' }, order, limit: 1 },
  'no equality where one is needed': { where: {}, order, limit: 1 },
  'a part of a partial index': {
    where: {},
    order: { ...order, field: 'stale' },
    limit: 1,
  },
}

const brokenWrites: Readonly<Record<string, readonly Change[]>> = {
  'a version that does not grow': [
    insert('fine'),
    { do: 'replace', document: document('a', 3), ifVersion: 3 },
  ],
  'a body that is no object': [insert('fine'), insert('a', [1] as never)],
  'a body with a BigInt': [insert('fine'), insert('a', { n: 1n })],
  'a body that is too large': [insert('fine'), insert('a', { text: 'é'.repeat(7_500_000) })],
  'an empty id': [insert('fine'), insert('')],
}

export const refusalContract = (open: OpenDocumentStore): void => {
  const collection = newCollection([
    { name: 'user', fields: ['app', 'userId', 'at'] },
    { name: 'stale', fields: ['stale', 'due'], partial: true },
  ])

  describe('a query', () => {
    test.each(Object.entries(unserved))('is refused for %s', async (_, query) => {
      await using store = await open()
      await expect(store.find(collection, query)).rejects.toThrow(NotIndexed)
    })

    test.each([0, 1.5, 1_001])('is refused for %d documents', async (limit) => {
      await using store = await open()
      const query = { where: { app: 'a', userId: 'u' }, order, limit }
      await expect(store.find(collection, query)).rejects.toThrow(RangeError)
      await expect(store.scan(collection, { limit })).rejects.toThrow(RangeError)
    })
  })

  describe('a write', () => {
    test.each(Object.entries(brokenWrites))('is refused whole for %s', async (_, changes) => {
      await using store = await open()
      const fresh = newCollection()
      await expect(store.write(fresh, changes)).rejects.toThrow()
      expect((await store.load(fresh, ['fine'])).size).toBe(0)
    })

    test('takes a body as large as it may be', async () => {
      await using store = await open()
      const fresh = newCollection()
      const text = 'x'.repeat(bodyBytesMax - JSON.stringify({ text: '' }).length)
      expect((await store.write(fresh, [insert('a', { text })])).conflicts).toEqual([])
      expect((await store.load(fresh, ['a'])).get('a')?.body.text).toHaveLength(text.length)
    })
  })
}
