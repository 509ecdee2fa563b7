import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { fold } from '#domain/notification/evolve.ts'
import type { Find } from '#ports/document-store.ts'
import { findNotifications, type HistoryFilter } from '#projections/notifications/find.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import { collectionOf, type Projection } from '#projections/projection.ts'
import { recorded, requested, routed, second, t0 } from '../support/given.ts'

const projection = notificationsProjection as unknown as Projection
const collection = collectionOf(projection, 0)

/** `count` notifications, a second apart; every `rareEvery`th is of a rare category. */
const filled = async (count: number, rareEvery: number) => {
  const documents = createMemoryDocumentStore()
  const asked: Find[] = []
  const all = Array.from({ length: count }, (_, n) => {
    const category = n % rareEvery === 0 ? 'rare' : 'orders'
    const state = fold(
      recorded([requested({ eventId: `e${n}`, category, at: t0 + n * second }), routed()]),
    )!
    const body = notificationsProjection.finish!({ state } as never)
    const id = `n${String(n).padStart(6, '0')}`
    return { do: 'insert', document: { id, version: 1, body } } as const
  })
  await documents.write(collection, all)
  const find = (query: Find) => {
    asked.push(query)
    return documents.find(collection, query)
  }
  const page = (
    filter: Partial<HistoryFilter>,
    after?: { value: number; id: string },
    limit = 10,
  ) =>
    findNotifications(
      { documents: { ...documents, find: (_collection, query) => find(query) }, collection },
      { app: 'shop', ...filter },
      { limit, ...(after && { after }) },
    )
  return { page, asked }
}

describe('looking for notifications', () => {
  test('looks at a bounded number of documents, and always says where it stopped', async () => {
    const { page, asked } = await filled(3_000, 1_500)
    const first = await page({ category: 'rare' })
    expect(first.items).toEqual([])
    expect(first.next).toBeDefined()
    expect(asked.reduce((sum, each) => sum + each.limit, 0)).toBe(1_000)
    const found: string[] = []
    let pages = 1
    for (let { next } = first; next; pages += 1) {
      const more = await page({ category: 'rare' }, next)
      found.push(...more.items.map((each) => each.eventId))
      next = more.next
    }
    expect(found).toEqual(['e1500', 'e0'])
    expect(pages).toBeLessThanOrEqual(4)
  })

  test('asks for no more than the page when its index serves it all', async () => {
    const { page, asked } = await filled(300, 2)
    for (const filter of [{}, { userId: 'mina' }, { status: 'routed' } as const]) {
      expect((await page(filter)).items.length).toBe(10)
    }
    expect(asked.map((each) => each.limit)).toEqual([10, 10, 10])
    expect(asked.map((each) => Object.keys(each.where))).toEqual([
      ['app'],
      ['app', 'userId'],
      ['app', 'status'],
    ])
  })

  test('shows what is stale as it was before, and says so', async () => {
    const documents = createMemoryDocumentStore()
    const state = fold(recorded([requested(), routed()]))!
    const body = notificationsProjection.finish!({ state } as never)
    const [bad] = recorded([requested()])
    const event = { ...bad!, stream: 'notification-n1', revision: 2 }
    const stale = notificationsProjection.poisoned!(body, event as never, 'TypeError: x')
    const document = { id: 'n1', version: 2, body: stale }
    await documents.write(collection, [{ do: 'insert', document }])
    const { items } = await findNotifications(
      { documents, collection },
      { app: 'shop' },
      { limit: 10 },
    )
    expect(items).toMatchObject([{ id: 'n1', status: 'routed', stale: 'TypeError: x' }])
  })
})
