import { expect, test } from 'vitest'
import type { Log } from '#ports/log.ts'
import type { WorkItem, WorkQueue } from '#ports/work-queue.ts'
import { newItem, newItems, startConsumer } from '../../contracts/work-samples.ts'
import { describeOnNats } from '../../support/nats/on-nats.ts'
import { administer, openQueue, silentLog } from '../../support/nats/open-queue.ts'
import { until } from '../../support/nats/until.ts'

/** As the relay does: again, until it is taken. */
const publishSurely = async (queue: WorkQueue, items: readonly WorkItem[]): Promise<void> => {
  await until(() =>
    queue.publish(items).then(
      () => true,
      () => false,
    ),
  )
}

describeOnNats('what NATS loses', ({ server, openFresh }) => {
  test('a wiped server gets its stream again, and the queue says that it was emptied', async () => {
    const warnings: string[] = []
    const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) }
    await using queue = await openFresh({ log })
    const epoch = queue.epoch()
    await queue.publish(newItems(10, { lane: 'sms' }))
    await using consumer = startConsumer(queue)
    await server().wipe()
    await until(() => queue.epoch() !== epoch)
    const item = newItem()
    await publishSurely(queue, [item])
    await until(() => consumer.taken.length === 1)
    expect(consumer.taken).toEqual([item])
    expect(warnings.join()).toContain('made anew')
  })

  test('a deleted stream is made again, also if nobody takes work here', async () => {
    await using queue = await openFresh()
    const epoch = queue.epoch()
    await administer(server().url, (manager) => manager.streams.delete('PABAL_WORK'))
    await expect(queue.publish(newItems(1))).rejects.toMatchObject({ name: 'Unavailable' })
    await until(() => queue.epoch() !== epoch)
    await publishSurely(queue, newItems(1))
  })

  test('a stream that somebody else made anew is noticed without a word', async () => {
    await using queue = await openFresh()
    const epoch = queue.epoch()
    await administer(server().url, (manager) => manager.streams.delete('PABAL_WORK'))
    await using other = await openQueue(server().url)
    expect(other.epoch()).not.toBe(epoch)
    await until(() => queue.epoch() === other.epoch())
  })

  test('a deleted consumer is made again while it is asked, and loses nothing', async () => {
    await using queue = await openFresh()
    const epoch = queue.epoch()
    await using consumer = startConsumer(queue)
    const [first, second] = newItems(2) as [WorkItem, WorkItem]
    await queue.publish([first])
    await until(() => consumer.taken.length === 1)
    // An old server fails to remove the directory while it writes there.
    await administer(server().url, (manager) =>
      until(() => manager.consumers.delete('PABAL_WORK', 'push-normal').catch(() => false)),
    )
    await publishSurely(queue, [second])
    await until(() => consumer.taken.length === 2)
    expect(consumer.taken).toEqual([first, second])
    expect(queue.epoch()).toBe(epoch)
  })

  test('a server that is killed in the middle hands out the rest, and what it forgot when told again', async () => {
    await using queue = await openFresh({ ackWaitMs: 1_000 })
    const items = newItems(400)
    await using consumer = startConsumer(queue)
    for (let at = 0; at < items.length; at += 50) {
      if (at === 200) await server().restart()
      await publishSurely(queue, items.slice(at, at + 50))
    }
    const seen = () => new Set(consumer.taken.map((item) => item.notificationId))
    const missing = () => items.filter((item) => !seen().has(item.notificationId))
    // What was published after the restart waits for nobody.
    await until(() => missing().every((item) => items.indexOf(item) < 200))
    // The agenda sweeps over what did not happen; a single server may have forgotten its last moment.
    await publishSurely(queue, missing())
    await until(() => missing().length === 0)
  })

  test('while it is away, publishing says so, handlers go on, and all resumes', async () => {
    await using queue = await openFresh()
    const [first, second] = newItems(2) as [WorkItem, WorkItem]
    await queue.publish([first])
    await using consumer = startConsumer(queue, { slots: 1, held: true })
    await until(() => consumer.running() === 1)
    await server().kill()
    await until(() =>
      queue.publish([second]).then(
        () => false,
        ({ name, code }) => name === 'Unavailable' && code === 'queue/disconnected',
      ),
    )
    await expect(queue.depths()).rejects.toMatchObject({ code: 'queue/disconnected' })
    consumer.release()
    await until(() => consumer.running() === 0)
    await server().restart()
    await publishSurely(queue, [second])
    await until(() => consumer.taken.some((item) => item.notificationId === second.notificationId))
  })

  test('a consumer stops also while the server is away', async () => {
    await using queue = await openFresh()
    const consumer = startConsumer(queue)
    await server().kill()
    try {
      await consumer.stop()
      await queue[Symbol.asyncDispose]()
      await expect(queue.publish(newItems(1))).rejects.toMatchObject({ code: 'queue/closed' })
    } finally {
      await server().restart()
    }
  })
})
