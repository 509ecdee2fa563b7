import { describe, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import type { OpenWorkQueue, WorkQueueDifferences } from './work-queue.ts'
import { depthOf, newItem, newItems, startConsumer } from './work-samples.ts'

export const fillingContract = (
  open: OpenWorkQueue,
  { capacity, exactDepths = true, floodItems = 100_000 }: WorkQueueDifferences,
): void => {
  const never = new AbortController().signal

  describe('a full lane and priority', () => {
    test('takes nothing more, while the others do', async () => {
      await using queue = await open()
      const published = await queue.publish(newItems(capacity))
      expect(published.every((answer) => answer === 'queued')).toBe(true)
      expect(
        await queue.publish([
          newItem(),
          newItem({ priority: 'bulk' }),
          newItem({ lane: 'sms' }),
          newItem(),
        ]),
      ).toEqual(['full', 'queued', 'queued', 'full'])
    })

    test('has room again at half of its maximum', async () => {
      await using queue = await open()
      await queue.publish(newItems(capacity))
      let room = false
      const waiting = queue.room('push', 'normal', never).then(() => {
        room = true
      })
      await using consumer = startConsumer(queue, { slots: 5, held: true })
      await eventually(() => consumer.running() === 5)
      await new Promise((resolve) => setImmediate(resolve))
      expect(room).toBe(false)
      consumer.release()
      await waiting
      expect((await depthOf(queue, 'push', 'normal')).waiting).toBeLessThanOrEqual(capacity / 2)
      expect(await queue.publish([newItem()])).toEqual(['queued'])
    })

    test('is not waited for after the signal', async () => {
      await using queue = await open()
      await queue.publish(newItems(capacity))
      const stop = new AbortController()
      const waiting = queue.room('push', 'normal', stop.signal)
      stop.abort()
      await waiting
      await queue.room('push', 'normal', stop.signal)
    })

    test('is not waited for where it is not full', async () => {
      await using queue = await open()
      await queue.room('push', 'normal', never)
      await queue.publish(newItems(2))
      await queue.room('push', 'normal', never)
    })
  })

  describe('the depths', () => {
    test('name every lane and priority', async () => {
      await using queue = await open()
      const depths = await queue.depths()
      expect(depths).toHaveLength(12)
      for (const depth of depths)
        expect(depth).toMatchObject({ waiting: 0, inFlight: 0, oldestAgeMs: 0 })
    })

    if (exactDepths)
      test('count what waits and what is in flight', async () => {
        await using queue = await open()
        await queue.publish([...newItems(3), ...newItems(2, { priority: 'bulk' })])
        expect(await depthOf(queue, 'push', 'normal')).toMatchObject({ waiting: 3, inFlight: 0 })
        await using consumer = startConsumer(queue, { slots: 5, held: true })
        await eventually(() => consumer.running() === 5)
        expect(await depthOf(queue, 'push', 'bulk')).toMatchObject({ waiting: 0, inFlight: 2 })
        const [item] = consumer.taken
        await queue.publish(item === undefined ? [] : [item])
        const again = await depthOf(queue, 'push', item?.priority ?? 'normal')
        expect(again.waiting).toBe(1)
        consumer.release()
        await consumer.stop()
        await using rest = startConsumer(queue)
        await eventually(() => consumer.taken.length + rest.taken.length === 6)
        await rest.stop()
        for (const depth of await queue.depths())
          expect(depth).toMatchObject({ waiting: 0, inFlight: 0, oldestAgeMs: 0 })
      })
  })

  test(`${floodItems} items pass a queue that never holds more than its maximum`, async () => {
    await using queue = await open()
    const seen = new Set<string>()
    const stop = new AbortController()
    let deepest = 0
    const done = queue.consume('push', { slots: 8, signal: stop.signal }, async (item) => {
      seen.add(item.notificationId)
    })
    for (let sent = 0; sent < floodItems; ) {
      const items = newItems(Math.min(100, floodItems - sent))
      for (let left = items; left.length > 0; ) {
        const answers = await queue.publish(left)
        deepest = Math.max(deepest, (await depthOf(queue, 'push', 'normal')).waiting)
        left = left.filter((_, at) => answers[at] === 'full')
        if (left.length > 0) await queue.room('push', 'normal', never)
      }
      sent += items.length
    }
    await eventually(() => seen.size === floodItems)
    stop.abort()
    await done
    expect(deepest).toBeLessThanOrEqual(capacity)
  })
}
