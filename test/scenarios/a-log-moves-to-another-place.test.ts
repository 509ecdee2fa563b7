import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { readRecovery } from '#handlers/recover.ts'
import { copy } from '../support/logs-to-copy.ts'
import { openService, readLog, type World } from '../support/open-service.ts'
import { addPerson, request, toPhone } from '../support/people.ts'

const hour = 3_600_000

const withEmptyStores = (world: World): World => ({
  ...world,
  events: createMemoryEventStore(),
  documents: createMemoryDocumentStore(),
})

/** A service with something finished, something scheduled and something that waits for its receipt. */
const live = async () => {
  const service = await openService()
  const { clock } = service.world
  await addPerson(service)
  const first = request()
  const answered = await service.accept(first)
  const sendAt = new Date(clock.now() + 2 * hour).toISOString()
  const scheduled = await service.send(request({ sendAt }))
  const awaiting = await service.send(toPhone())
  await service.advance(3_000)
  return { service, first, answered, scheduled, awaiting }
}

describe('a log that was moved', () => {
  test('goes on elsewhere as if nothing had happened', async () => {
    const { service, first, answered, scheduled, awaiting } = await live()
    await service.stop()
    const target = withEmptyStores(service.world)
    await copy(service.world.events, target.events, { finish: true })

    await using moved = await openService({ world: target })
    await moved.advance(1_000)
    const again = await moved.accept(first)
    expect(again).toEqual({ ...answered, replayed: true })
    expect(JSON.stringify(again.answer)).toBe(JSON.stringify(answered.answer))
    await moved.receipt(target.twilio.sent[0]!, { is: 'delivered' })
    expect(await moved.statusOf(awaiting)).toBe('delivered')
    await moved.leap(3 * hour)
    expect(await moved.statusOf(scheduled)).toBe('delivered')
    // Nothing was told twice for it.
    expect(target.apns.sent).toHaveLength(2)
    expect(target.twilio.sent).toHaveLength(1)
  })

  test('is closed: nothing starts on it, and what still runs there ends', async () => {
    const { service } = await live()
    const target = createMemoryEventStore()
    // Of a cluster, where nobody holds a lock: the service is still running.
    await copy(service.world.events, target, { finish: true })
    await service.advance(6_000)
    expect(service.fatal).toMatchObject({ code: 'log/sealed' })
    await service.crash()
    await expect(openService({ world: service.world })).rejects.toMatchObject({
      code: 'log/sealed',
    })
  })

  test('has marks of its own: those of the old place name positions that mean nothing here', async () => {
    const { service } = await live()
    await service.until(
      async () => (await readRecovery(service.world.events)) !== undefined,
      hour,
      60_000,
    )
    await service.stop()
    const target = withEmptyStores(service.world)
    await copy(service.world.events, target.events, { finish: true })
    expect(await readRecovery(target.events)).toBeUndefined()
    await using moved = await openService({ world: target })
    await moved.advance(2 * 61_000)
    const mark = await readRecovery(target.events)
    const positions = (await readLog(target.events)).map(({ position }) => position)
    expect(positions).toContain(mark?.last?.from?.position)
  })
})

describe('a copy that was not finished', () => {
  test('never sends: nothing starts on it, however much is due', async () => {
    const { service } = await live()
    await service.stop()
    const target = withEmptyStores(service.world)
    await copy(service.world.events, target.events)
    target.clock.jump(5 * hour)
    const before = target.apns.sent.length
    await expect(openService({ world: target })).rejects.toMatchObject({
      code: 'log/unfinished-copy',
    })
    await target.clock.advance(60_000)
    expect(target.apns.sent).toHaveLength(before)
    expect((await readLog(target.events)).some(({ type }) => type === 'LogCopyFinished')).toBe(
      false,
    )
  })
})
