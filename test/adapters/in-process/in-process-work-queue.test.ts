import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { createInProcessWorkQueue } from '#adapters/in-process/in-process-work-queue.ts'
import type { WorkItem } from '#ports/work-queue.ts'
import { eventually } from '../../contracts/eventually.ts'
import { workQueueContract } from '../../contracts/work-queue.ts'
import { depthOf, newItem, newItems, startConsumer } from '../../contracts/work-samples.ts'
import { createFakeClock } from '../../support/fake-clock.ts'

workQueueContract(
  'in process',
  async () => createInProcessWorkQueue({ capacity: 1_000, clock: createFakeClock() }),
  { capacity: 1_000 },
)

const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

describe('the work queue in this process', () => {
  test('gives urgent, normal and bulk work six, three and one of ten turns', async () => {
    await using queue = createInProcessWorkQueue({ clock: createFakeClock() })
    await queue.publish([
      ...newItems(100, { priority: 'bulk' }),
      ...newItems(100, { priority: 'normal' }),
      ...newItems(100, { priority: 'urgent' }),
    ])
    await using consumer = startConsumer(queue, { slots: 1 })
    await eventually(() => consumer.taken.length === 300)
    const first = consumer.taken.slice(0, 50).map(({ priority }) => priority)
    expect(first[0]).toBe('urgent')
    const share = (priority: string) => first.filter((one) => one === priority).length
    expect([share('urgent'), share('normal'), share('bulk')]).toEqual([30, 15, 5])
  })

  test('holds 10,000 items per lane and priority', async () => {
    await using queue = createInProcessWorkQueue({ clock: createFakeClock() })
    const answers = await queue.publish(newItems(10_001))
    expect(answers.at(-2)).toBe('queued')
    expect(answers.at(-1)).toBe('full')
  })

  test('tells how long the oldest item has waited', async () => {
    const clock = createFakeClock()
    await using queue = createInProcessWorkQueue({ clock })
    const item = newItem()
    await queue.publish([item])
    await clock.advance(1_500)
    await queue.publish(newItems(1))
    await clock.advance(500)
    expect((await depthOf(queue, 'push', 'normal')).oldestAgeMs).toBe(2_000)
    await using consumer = startConsumer(queue, { slots: 2, held: true })
    await eventually(() => consumer.running() === 2)
    expect((await depthOf(queue, 'push', 'normal')).oldestAgeMs).toBe(0)
    await queue.publish([item])
    await clock.advance(70)
    expect((await depthOf(queue, 'push', 'normal')).oldestAgeMs).toBe(70)
  })

  test('routes slowly, but does route, while a channel has much to do', async () => {
    await using queue = createInProcessWorkQueue({ clock: createFakeClock() })
    await queue.publish(newItems(300))
    await queue.publish(newItems(100, { lane: 'route' }))
    await using routing = startConsumer(queue, { lane: 'route', slots: 64, held: true })
    await eventually(() => routing.running() > 0)
    expect(routing.running()).toBe(8)
    await using pushing = startConsumer(queue, { slots: 256 })
    await eventually(() => pushing.taken.length === 300)
    routing.release()
    await eventually(() => routing.taken.length === 100)
  })

  test('tells of handlers that throw', async () => {
    const heard: (readonly [unknown, WorkItem])[] = []
    await using queue = createInProcessWorkQueue({
      clock: createFakeClock(),
      onError: (error, item) => heard.push([error, item]),
    })
    const stop = new AbortController()
    const error = new Error('as told')
    const done = queue.consume('push', { slots: 1, signal: stop.signal }, () => {
      throw error
    })
    const item = newItem()
    await queue.publish([item])
    await eventually(() => heard.length === 1)
    stop.abort()
    await done
    expect(heard).toEqual([[error, item]])
  })

  test('keeps nothing of what has passed', async () => {
    await using queue = createInProcessWorkQueue({ clock: createFakeClock() })
    let passed = 0
    const stop = new AbortController()
    const done = queue.consume('push', { slots: 8, signal: stop.signal }, async () => {
      passed += 1
    })
    const pass = async (count: number): Promise<number> => {
      const goal = passed + count
      for (let sent = 0; sent < count; sent += 5_000) {
        await queue.publish(newItems(5_000))
        await eventually(() => passed === goal - count + sent + 5_000)
      }
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    const before = await pass(20_000)
    const after = await pass(80_000)
    stop.abort()
    await done
    // An item that is kept takes a hundred bytes and more.
    expect(after - before).toBeLessThan(2_000_000)
  })

  test('runs no handler inside of publish', async () => {
    await using queue = createInProcessWorkQueue({ clock: createFakeClock() })
    await using consumer = startConsumer(queue)
    const published = queue.publish(newItems(1))
    expect(consumer.taken).toHaveLength(0)
    await published
    await eventually(() => consumer.taken.length === 1)
  })

  test('waits for its handlers when it is closed, then refuses', async () => {
    const queue = createInProcessWorkQueue({ capacity: 4, clock: createFakeClock() })
    const consumer = startConsumer(queue, { slots: 1, held: true })
    await queue.publish(newItems(5))
    await eventually(() => consumer.running() === 1)
    const room = queue.room('push', 'normal', new AbortController().signal)
    let closed = false
    const closing = queue[Symbol.asyncDispose]().then(() => {
      closed = true
    })
    await room
    await new Promise((resolve) => setImmediate(resolve))
    expect(closed).toBe(false)
    consumer.release()
    await closing
    await consumer.stop()
    expect(consumer.taken).toHaveLength(1)
    await expect(queue.publish(newItems(1))).rejects.toMatchObject({ code: 'queue/closed' })
    await queue[Symbol.asyncDispose]()
  })
})
