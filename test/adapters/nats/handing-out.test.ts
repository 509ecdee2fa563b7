import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'nats'
import { expect, test } from 'vitest'
import type { WorkItem } from '#ports/work-queue.ts'
import { depthOf, newItem, newItems, startConsumer } from '../../contracts/work-samples.ts'
import { describeOnNats } from '../../support/nats/on-nats.ts'
import { openQueue } from '../../support/nats/open-queue.ts'
import { until } from '../../support/nats/until.ts'

const idsOf = (items: readonly WorkItem[]): readonly string[] =>
  items.map((item) => item.notificationId).toSorted()

describeOnNats('handing out work over NATS', ({ server, openFresh }) => {
  test('a handler slower than the time to acknowledge keeps its item', async () => {
    await using queue = await openFresh({ ackWaitMs: 500 })
    await using other = await openQueue(server().url, { ackWaitMs: 500 })
    await queue.publish([newItem()])
    await using slow = startConsumer(queue, { held: true })
    await until(() => slow.running() === 1)
    await using idle = startConsumer(other)
    await sleep(1_600)
    expect([...slow.taken, ...idle.taken]).toHaveLength(1)
    expect((await depthOf(queue, 'push', 'normal')).inFlight).toBe(1)
    slow.release()
    await until(async () => (await depthOf(queue, 'push', 'normal')).inFlight === 0)
    expect([...slow.taken, ...idle.taken]).toHaveLength(1)
  })

  test('items are not asked for before a slot is free, so that none runs out of its time', async () => {
    await using queue = await openFresh({ ackWaitMs: 500 })
    const items = newItems(6)
    await queue.publish(items)
    const taken: WorkItem[] = []
    const stop = new AbortController()
    const done = queue.consume('push', { slots: 1, signal: stop.signal }, async (item) => {
      taken.push(item)
      await sleep(300)
    })
    await until(() => taken.length === 6)
    stop.abort()
    await done
    await until(async () => (await depthOf(queue, 'push', 'normal')).inFlight === 0)
    expect(taken).toEqual(items)
  })

  test('what a process took that died comes back', async () => {
    await using queue = await openFresh({ ackWaitMs: 500 })
    const item = newItem()
    await queue.publish([item])
    const dying = await connect({ servers: server().url.replace('nats://', '') })
    const consumer = await dying.jetstream().consumers.get('PABAL_WORK', 'push-normal')
    expect((await consumer.next())?.subject).toContain(item.notificationId)
    await dying.close()
    await using next = startConsumer(queue)
    await until(() => next.taken.length === 1)
    expect(next.taken).toEqual([item])
  })

  test('two processes share a lane, and none gets what the other has', async () => {
    await using one = await openFresh()
    await using two = await openQueue(server().url)
    await using first = startConsumer(one, { slots: 8 })
    await using second = startConsumer(two, { slots: 8 })
    const items = newItems(2_000)
    for (let at = 0; at < items.length; at += 100) await one.publish(items.slice(at, at + 100))
    await until(() => first.taken.length + second.taken.length >= items.length)
    expect(idsOf([...first.taken, ...second.taken])).toEqual(idsOf(items))
    expect(first.taken.length).toBeGreaterThan(0)
    expect(second.taken.length).toBeGreaterThan(0)
  })

  test('what finds all slots of a process taken goes to one that has some', async () => {
    await using queue = await openFresh()
    await using other = await openQueue(server().url)
    await using busy = startConsumer(queue, { slots: 8, held: true })
    // Its asks for urgent and bulk work still stand when its slots are gone.
    await queue.publish(newItems(8))
    await until(() => busy.running() === 8)
    const urgent = newItems(5, { priority: 'urgent' })
    await queue.publish(urgent)
    await using free = startConsumer(other, { slots: 8 })
    await until(() => free.taken.length === 5)
    expect(idsOf(free.taken)).toEqual(idsOf(urgent))
    expect(busy.peak()).toBe(8)
  })

  test('who stops hands back at once what it has not begun', async () => {
    await using queue = await openFresh()
    await queue.publish(newItems(50))
    const consumer = startConsumer(queue, { slots: 4, held: true })
    await until(() => consumer.running() === 4)
    const stopping = consumer.stop()
    await using next = startConsumer(queue)
    await until(() => next.taken.length === 46)
    consumer.release()
    await stopping
    await until(async () => (await depthOf(queue, 'push', 'normal')).inFlight === 0)
    expect(next.taken).toHaveLength(46)
  })

  test('what is none of ours is taken out of the way', async () => {
    await using queue = await openFresh()
    const stranger = await connect({ servers: server().url.replace('nats://', '') })
    await stranger.jetstream().publish('pabal.work.push.normal.two.tokens')
    await stranger.close()
    const item = newItem()
    await queue.publish([item])
    await using consumer = startConsumer(queue)
    await until(async () => {
      const { waiting, inFlight } = await depthOf(queue, 'push', 'normal')
      return waiting === 0 && inFlight === 0
    })
    expect(consumer.taken).toEqual([item])
  })

  test('an id that would be more than one word of a subject is refused', async () => {
    await using queue = await openFresh()
    await expect(queue.publish([newItem({ notificationId: 'a.>' })])).rejects.toThrow(RangeError)
  })

  test('the age of the oldest item that waits is told', async () => {
    await using queue = await openFresh()
    await queue.publish(newItems(2))
    await sleep(300)
    expect((await depthOf(queue, 'push', 'normal')).oldestAgeMs).toBeGreaterThanOrEqual(250)
    expect((await depthOf(queue, 'push', 'bulk')).oldestAgeMs).toBe(0)
    await using consumer = startConsumer(queue)
    await until(() => consumer.taken.length === 2)
    expect((await depthOf(queue, 'push', 'normal')).oldestAgeMs).toBe(0)
  })

  test('the maximum holds among several processes but for what they sent at the same moment', async () => {
    await using one = await openFresh({ capacity: 100 })
    await using two = await openQueue(server().url, { capacity: 100 })
    expect(new Set(await one.publish(newItems(100)))).toEqual(new Set(['queued']))
    await sleep(100)
    expect(await two.publish(newItems(2))).toEqual(['full', 'full'])
  })
})
