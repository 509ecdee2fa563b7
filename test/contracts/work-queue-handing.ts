import { describe, expect, test } from 'vitest'
import { lanes } from '#domain/notification/events.ts'
import type { WorkItem } from '#ports/work-queue.ts'
import { eventually } from './eventually.ts'
import type { OpenWorkQueue, WorkQueueDifferences } from './work-queue.ts'
import { depthOf, newItem, newItems, startConsumer } from './work-samples.ts'

export const handingContract = (
  open: OpenWorkQueue,
  {
    ordered = true,
    oncePerLane = true,
    takesInFlight = true,
    exactDepths = true,
  }: WorkQueueDifferences,
): void => {
  describe('an item', () => {
    test('is handed out as it was published, to its lane only', async () => {
      await using queue = await open()
      const items = lanes.map((lane) =>
        newItem({ lane, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }),
      )
      expect(await queue.publish(items)).toEqual(lanes.map(() => 'queued'))
      for (const [at, lane] of lanes.entries()) {
        await using consumer = startConsumer(queue, { lane })
        await eventually(() => consumer.taken.length === 1)
        expect(consumer.taken).toEqual([items[at]])
      }
    })

    test('is handed out to who waited for it', async () => {
      await using queue = await open()
      await using consumer = startConsumer(queue)
      const [item] = newItems(1)
      await queue.publish([item as WorkItem])
      await eventually(() => consumer.taken.length === 1)
      expect(consumer.taken).toEqual([item])
    })

    test('waits once per lane and notification', async () => {
      await using queue = await open()
      const item = newItem()
      const elsewhere = { ...item, lane: 'email' } as const
      expect(await queue.publish([item, item])).toEqual(['queued', 'waiting'])
      expect(await queue.publish([item, elsewhere])).toEqual(['waiting', 'queued'])
      await using consumer = startConsumer(queue)
      await eventually(() => consumer.taken.length === 1)
      await consumer.stop()
      expect(consumer.taken).toEqual([item])
    })

    if (oncePerLane)
      test('waits once per lane, whatever its priority', async () => {
        await using queue = await open()
        const item = newItem()
        expect(await queue.publish([item, { ...item, priority: 'urgent' }])).toEqual([
          'queued',
          'waiting',
        ])
      })

    test('may be published again after its handler returned', async () => {
      await using queue = await open()
      await using consumer = startConsumer(queue)
      const item = newItem()
      for (let round = 1; round <= 3; round++) {
        expect(await queue.publish([item])).toEqual(['queued'])
        await eventually(() => consumer.taken.length === round && consumer.running() === 0)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })

    test('published during its flight is never handed out beside it', async () => {
      await using queue = await open()
      await using consumer = startConsumer(queue, { held: true })
      const item = newItem()
      await queue.publish([item])
      await eventually(() => consumer.running() === 1)
      const [again] = await queue.publish([item])
      if (takesInFlight) expect(again).toBe('queued')
      const others = newItems(3)
      await queue.publish(others)
      await eventually(() => consumer.running() === 4)
      const first = consumer.taken.filter((one) => one.notificationId === item.notificationId)
      expect(first).toHaveLength(1)
      consumer.release()
      const total = again === 'queued' ? 5 : 4
      await eventually(() => consumer.taken.length === total)
      if (again === 'queued') expect(consumer.taken.at(-1)).toEqual(item)
    })

    test('is acknowledged when its handler throws', async () => {
      await using queue = await open()
      const stop = new AbortController()
      const [bad, good] = newItems(2) as [WorkItem, WorkItem]
      const taken: WorkItem[] = []
      const done = queue.consume('push', { slots: 1, signal: stop.signal }, async (item) => {
        taken.push(item)
        if (item.notificationId === bad.notificationId) throw new Error('as told')
      })
      await queue.publish([bad, good])
      await eventually(() => taken.length === 2)
      stop.abort()
      await done
      expect(await queue.publish([bad])).toEqual(['queued'])
      expect(taken).toHaveLength(2)
    })
  })

  describe('a consumer', () => {
    test('runs no more handlers than it has slots', async () => {
      await using queue = await open()
      await queue.publish(newItems(10))
      await using consumer = startConsumer(queue, { slots: 3, held: true })
      await eventually(() => consumer.running() === 3)
      if (exactDepths)
        expect(await depthOf(queue, 'push', 'normal')).toMatchObject({ waiting: 7, inFlight: 3 })
      consumer.release()
      await eventually(() => consumer.taken.length === 10)
      expect(consumer.peak()).toBe(3)
    })

    test('that stops lets its handlers return and takes nothing more', async () => {
      await using queue = await open()
      await queue.publish(newItems(5))
      const consumer = startConsumer(queue, { slots: 2, held: true })
      await eventually(() => consumer.running() === 2)
      let stopped = false
      const stopping = consumer.stop().then(() => {
        stopped = true
      })
      await new Promise((resolve) => setImmediate(resolve))
      expect(stopped).toBe(false)
      consumer.release()
      await stopping
      expect(consumer.taken).toHaveLength(2)
      await using next = startConsumer(queue)
      await eventually(() => next.taken.length === 3)
    })

    test('that is stopped already takes nothing', async () => {
      await using queue = await open()
      await queue.publish(newItems(1))
      await queue.consume('push', { slots: 1, signal: AbortSignal.abort() }, () =>
        Promise.reject(new Error('It took something.')),
      )
    })

    test('shares its lane with another one', async () => {
      await using queue = await open()
      await using one = startConsumer(queue, { slots: 1, held: true })
      await using two = startConsumer(queue, { slots: 1, held: true })
      await queue.publish(newItems(4))
      await eventually(() => one.running() + two.running() === 2)
      one.release()
      two.release()
      await eventually(() => one.taken.length + two.taken.length === 4)
      const ids = [...one.taken, ...two.taken].map((item) => item.notificationId)
      expect(new Set(ids).size).toBe(4)
    })

    if (ordered)
      test('gets items of one priority in their order', async () => {
        await using queue = await open()
        const items = newItems(20)
        await queue.publish(items)
        await using consumer = startConsumer(queue, { slots: 1 })
        await eventually(() => consumer.taken.length === 20)
        expect(consumer.taken).toEqual(items)
      })
  })
}
