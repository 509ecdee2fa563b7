import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Change } from '#ports/document-store.ts'
import {
  document,
  insert,
  insertAll,
  newCollection,
  newExpiringCollection,
} from '../../contracts/document-samples.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { openLossyWay } from '../../support/mongodb/lossy-way.ts'
import {
  mongoAvailable,
  noMongo,
  openTestMongo,
  type TestMongo,
} from '../../support/mongodb/test-mongo.ts'
import { openStore } from './mongo-store.ts'

const count = 1_000
const ids = Array.from({ length: count }, (_, at) => `id-${String(at).padStart(4, '0')}`)
const all = (body: (id: string) => object) =>
  Object.fromEntries(ids.map((id) => [id, body(id) as Record<string, unknown>]))

const replaceAll = (writer: string, ifVersion = 0): readonly Change[] =>
  ids.map((id) => ({
    do: 'replace',
    document: document(id, ifVersion + 1, { writer }),
    ifVersion,
  }))

describe.skipIf(!mongoAvailable)(`writing to MongoDB ${mongoAvailable ? '' : noMongo}`, () => {
  let mongo: TestMongo
  let url: string
  beforeAll(async () => {
    mongo = await openTestMongo()
    url = mongo.database()
  })
  afterAll(() => mongo[Symbol.asyncDispose]())

  test('leaves one winner of each of a thousand documents between two clients', async () => {
    await using one = await openStore(url)
    await using two = await openStore(url)
    const collection = newCollection()
    await insertAll(
      one,
      collection,
      all(() => ({})),
    )
    // In opposite order, so that each wins some.
    const [first, second] = await Promise.all([
      one.write(collection, replaceAll('one')),
      two.write(collection, replaceAll('two').toReversed()),
    ])
    const lost = { one: new Set(first.conflicts), two: new Set(second.conflicts) }
    const found = await one.load(collection, ids)
    for (const id of ids) {
      const winner = found.get(id)?.body.writer as 'one' | 'two'
      expect([lost.one.has(id), lost.two.has(id)]).toEqual([winner === 'two', winner === 'one'])
      expect(found.get(id)?.version).toBe(1)
    }
  })

  test('leaves one winner of each of a thousand inserts', async () => {
    await using one = await openStore(url)
    await using two = await openStore(url)
    const collection = newCollection()
    const inserts = (writer: string) => ids.map((id) => insert(id, { writer }))
    const [first, second] = await Promise.all([
      one.write(collection, inserts('one')),
      two.write(collection, inserts('two').toReversed()),
    ])
    expect([...first.conflicts, ...second.conflicts].toSorted()).toEqual(ids)
    const found = await two.load(collection, ids)
    for (const id of first.conflicts) expect(found.get(id)?.body).toEqual({ writer: 'two' })
  })

  test('takes one command when nobody else was there', async () => {
    await using way = await openLossyWay(url)
    await using store = await openStore(way.url)
    const collection = newCollection()
    await insertAll(
      store,
      collection,
      all(() => ({})),
    )
    const before = way.sent('find')
    expect((await store.write(collection, replaceAll('one'))).conflicts).toEqual([])
    expect([way.sent('insert'), way.sent('update'), way.sent('find') - before]).toEqual([1, 1, 0])
  })

  test('applies changes of one document in their order', async () => {
    await using store = await openStore(url)
    const collection = newCollection()
    const { conflicts } = await store.write(collection, [
      insert('a', { n: 0 }),
      { do: 'replace', document: document('a', 1, { n: 1 }), ifVersion: 0 },
      { do: 'delete', id: 'b', ifVersion: 0 },
      { do: 'replace', document: document('a', 2, { n: 2 }), ifVersion: 1 },
      insert('b'),
    ])
    expect(conflicts).toEqual(['b'])
    const found = await store.load(collection, ['a', 'b'])
    expect(found.get('a')).toEqual(document('a', 2, { n: 2 }))
    expect(found.get('b')?.version).toBe(0)
  })

  test('writes more than one command takes', async () => {
    await using store = await openStore(url, { timeoutMs: 15_000 })
    const collection = newCollection()
    const text = 'x'.repeat(7_000_000)
    const { conflicts } = await store.write(
      collection,
      ['a', 'b', 'c', 'd'].map((id) => insert(id, { text })),
    )
    expect(conflicts).toEqual([])
    const found = await store.load(collection, ['a', 'd'])
    expect(found.get('d')?.body).toEqual({ text })
  }, 30_000)

  describe('when the answer was lost', () => {
    test('knows its own inserts again', async () => {
      await using way = await openLossyWay(url)
      await using store = await openStore(way.url)
      await using other = await openStore(url)
      const collection = newCollection()
      await other.write(collection, [insert('b', { writer: 'other' })])
      way.loseAnswers('insert', 1)
      const { conflicts } = await store.write(collection, [insert('a'), insert('b'), insert('c')])
      expect(conflicts).toEqual(['b'])
      expect(way.sent('insert')).toBe(2)
    })

    test.each(['insert', 'delete'])(
      'of its %s takes the place of what has expired',
      async (lost) => {
        const clock = createFakeClock()
        await using way = await openLossyWay(url)
        await using store = await openStore(way.url, { clock })
        const collection = newExpiringCollection()
        await insertAll(store, collection, { a: { until: clock.now() }, b: {} })
        way.loseAnswers(lost, 1)
        const { conflicts } = await store.write(collection, [
          insert('a', { is: 'new' }, 3),
          insert('b', { is: 'late' }, 3),
          insert('c', { is: 'new' }, 3),
        ])
        expect(conflicts).toEqual(['b'])
        const found = await store.load(collection, ['a', 'b', 'c'])
        expect([...found.values()].map(({ version }) => version)).toEqual([3, 0, 3])
      },
    )

    test('knows its own replacements again', async () => {
      await using way = await openLossyWay(url)
      await using store = await openStore(way.url)
      const collection = newCollection()
      await insertAll(store, collection, { a: {}, b: {}, c: {} })
      way.loseAnswers('update', 1)
      const replace = (id: string, ifVersion: number): Change => ({
        do: 'replace',
        document: document(id, 9, { id }),
        ifVersion,
      })
      const changes = [replace('a', 0), replace('b', 5), replace('c', 0)]
      expect((await store.write(collection, changes)).conflicts).toEqual(['b'])
      expect(way.sent('update')).toBe(2)
      way.loseAnswers('update', 1)
      const next = document('a', 10, {})
      const single = await store.write(collection, [
        { do: 'replace', document: next, ifVersion: 9 },
      ])
      expect(single.conflicts).toEqual([])
    })

    test('says that it is unavailable when no attempt is answered', async () => {
      await using way = await openLossyWay(url)
      await using store = await openStore(way.url)
      const collection = newCollection()
      await insertAll(store, collection, { a: {} })
      way.loseAnswers('update', 100)
      const change: Change = { do: 'replace', document: document('a', 1), ifVersion: 0 }
      await expect(store.write(collection, [change])).rejects.toMatchObject({
        name: 'Unavailable',
        code: 'documents/unreachable',
      })
      expect(way.sent('update')).toBe(3)
      way.loseAnswers('update', 0)
      // Unknown to the caller is not lost: loading tells.
      expect((await store.load(collection, ['a'])).get('a')?.version).toBe(1)
    })
  })

  test('leaves one winner of each of a thousand places of what has expired', async () => {
    const clock = createFakeClock()
    await using one = await openStore(url, { clock })
    await using two = await openStore(url, { clock })
    const collection = newExpiringCollection()
    const until = clock.now()
    await insertAll(
      one,
      collection,
      all(() => ({ until })),
    )
    const inserts = (writer: string) => ids.map((id) => insert(id, { writer }))
    const [first, second, swept] = await Promise.all([
      one.write(collection, inserts('one')),
      two.write(collection, inserts('two').toReversed()),
      two.sweep(collection, 300),
    ])
    expect(swept).toBeLessThanOrEqual(300)
    const lost = { one: new Set(first.conflicts), two: new Set(second.conflicts) }
    const found = await one.load(collection, ids)
    for (const id of ids) {
      const winner = found.get(id)?.body.writer
      // None has won where the place was swept just when both came.
      expect([lost.one.has(id), lost.two.has(id)]).toEqual([winner !== 'one', winner !== 'two'])
    }
  })

  test('names the conflicts of deletions between two clients', async () => {
    await using one = await openStore(url)
    await using two = await openStore(url)
    const collection = newCollection()
    await insertAll(one, collection, { a: {}, b: {}, c: {} })
    await two.write(collection, [{ do: 'delete', id: 'b', ifVersion: 0 }])
    const remove = (id: string): Change => ({ do: 'delete', id, ifVersion: 0 })
    const { conflicts } = await one.write(collection, ['a', 'b', 'c', 'd'].map(remove))
    expect(conflicts.toSorted()).toEqual(['b', 'd'])
    expect((await one.load(collection, ['a', 'b', 'c'])).size).toBe(0)
  })
})
