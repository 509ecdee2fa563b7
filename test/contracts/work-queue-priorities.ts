import { describe, expect, test } from 'vitest'
import { type Priority, priorities } from '#domain/notification/events.ts'
import { eventually } from './eventually.ts'
import type { OpenWorkQueue, WorkQueueDifferences } from './work-queue.ts'
import { newItem, newItems, startConsumer } from './work-samples.ts'

export const prioritiesContract = (
  open: OpenWorkQueue,
  { capacity }: WorkQueueDifferences,
): void => {
  describe('priorities', () => {
    test('are handed out by weight', async () => {
      await using queue = await open()
      const each = Math.min(capacity, 100)
      for (const priority of priorities.toReversed())
        await queue.publish(newItems(each, { priority }))
      await using consumer = startConsumer(queue, { slots: 1 })
      await eventually(() => consumer.taken.length === each * priorities.length)
      const first = consumer.taken.slice(0, each)
      const share = (priority: Priority) =>
        first.filter((item) => item.priority === priority).length
      expect(share('urgent')).toBeGreaterThan(share('normal'))
      expect(share('normal')).toBeGreaterThan(share('bulk'))
      expect(share('bulk')).toBeGreaterThan(0)
    })

    test('starve nobody, however much urgent work comes', async () => {
      await using queue = await open()
      const stop = new AbortController()
      let urgent = 0
      let bulk = 0
      await queue.publish(newItems(5, { priority: 'bulk' }))
      await queue.publish(newItems(10, { priority: 'urgent' }))
      await queue.consume('push', { slots: 2, signal: stop.signal }, async ({ priority }) => {
        if (priority === 'bulk') bulk++
        else urgent++
        if (bulk === 5 || urgent === 1_000) stop.abort()
        await queue.publish([newItem({ priority: 'urgent' })])
      })
      expect(bulk).toBe(5)
    })

    test('give all their turns to the only one that has work', async () => {
      await using queue = await open()
      await using consumer = startConsumer(queue, { slots: 1 })
      for (const [round, priority] of priorities.entries()) {
        await queue.publish(newItems(15, { priority }))
        await eventually(() => consumer.taken.length === 15 * (round + 1))
      }
    })
  })
}
