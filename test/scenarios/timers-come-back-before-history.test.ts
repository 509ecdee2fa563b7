import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { recoveryStream } from '#domain/recovery/recovery.ts'
import { readRecovery } from '#handlers/recover.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'
import type { Verification } from '#src/cli/audit/verify.ts'
import { verify } from '#src/cli/audit/verify.ts'
import { openService, type Service, type World } from '../support/open-service.ts'
import { addPerson, request, toPhone } from '../support/people.ts'

const hour = 3_600_000
const markedEvery = hour

const audit = (service: Service): Promise<Verification> => {
  const { events, documents, clock } = service.world
  return verify({ events, documents, clock } as unknown as Parameters<typeof verify>[0])
}

const untilMarked = (service: Service, marks = 1) =>
  service.until(
    async () => ((await readRecovery(service.world.events))?.points.length ?? 0) >= marks,
    2 * markedEvery,
    60_000,
  )

/** Finished ones, and one each that is scheduled, to be tried again, and waiting for its receipt. */
const live = async (service: Service) => {
  const { apns, clock } = service.world
  await addPerson(service, { email: 'mina@example.org' })
  const finished: string[] = []
  for (let count = 0; count < 20; count += 1)
    finished.push(await service.send(request({ channels: ['push'] })))
  await service.advance(2_000)
  const sendAt = new Date(clock.now() + 20 * hour).toISOString()
  const scheduled = await service.send(request({ channels: ['push'], sendAt }))
  apns.answerOnce({ is: 'retry', code: '503', reason: 'busy', afterMs: 6 * hour })
  const retrying = await service.send(request({ channels: ['push'] }))
  await service.advance(2_000)
  const awaiting = await service.send(toPhone())
  await service.advance(2_000)
  return { finished, scheduled, retrying, awaiting }
}

/** Pages of this size are asked for by whoever brings history back, and by nobody else. */
const historyPage = 4_000

/** A log that keeps old events back, so that it can be seen what is there before them. */
const withoutHistory = (world: World, isHeld: () => boolean): World => {
  const { promise: never } = Promise.withResolvers<never>()
  const readAll: EventStore['readAll'] = async (options) => {
    return options.limit === historyPage && isHeld() ? never : world.events.readAll(options)
  }
  return { ...world, events: { ...world.events, readAll } }
}

const openIds = async (service: Service): Promise<readonly string[]> => {
  const isOpen = (status: string) =>
    /requested|scheduled|routed|deferred|retrying|dispatched|accepted/.test(status)
  return [...(await service.statuses())].flatMap(([id, status]) => (isOpen(status) ? [id] : []))
}

const notificationsOf = async (service: Service) => {
  const { documents } = service.world
  return documents.scan({ name: 'notifications', version: 2_000, indexes: [] }, { limit: 1_000 })
}

describe('timers', () => {
  test('are back before history, and history is back after them', async () => {
    const before = await openService()
    const { scheduled, retrying, awaiting, finished } = await live(before)
    await untilMarked(before)
    const later = await before.send(toPhone())
    await before.advance(1_000)
    await before.crash()

    let isHeld = true
    const fresh = { ...before.world, documents: createMemoryDocumentStore() }
    await using after = await openService({ world: withoutHistory(fresh, () => isHeld) })
    await after.advance(3_000)
    const ids = new Set((await notificationsOf(after)).map(({ id }) => id))
    expect({
      scheduled: ids.has(scheduled),
      retrying: ids.has(retrying),
      awaiting: ids.has(awaiting),
      later: ids.has(later),
    }).toEqual({ scheduled: true, retrying: true, awaiting: true, later: true })
    expect(finished.filter((id) => ids.has(id))).toEqual([])
    const [progress] = after.core.projector.progress.filter(
      ({ projection }) => projection === 'notifications',
    )
    expect(progress).toMatchObject({ caughtUp: true, history: { until: expect.any(String) } })

    // What is due is done while history is still missing.
    await after.leap(7 * hour)
    expect(await after.statusOf(retrying)).toBe('delivered')
    await after.leap(14 * hour)
    expect(await after.statusOf(scheduled)).toBe('delivered')
    expect(await openIds(after)).toEqual([])
    expect(await audit({ ...after, world: fresh } as Service)).toMatchObject({ clean: true })

    isHeld = false
    await after.crash()
    await using last = await openService({ world: fresh })
    await last.advance(20_000)
    const there = (await notificationsOf(last)).map(({ id }) => id)
    expect(finished.filter((id) => !there.includes(id))).toEqual([])
    expect(await audit(last)).toMatchObject({ clean: true, behind: 0 })
    expect(last.core.projector.progress.some(({ history }) => history)).toBe(false)
  })

  test('are back under a running service whose store was emptied, though nothing happens', async () => {
    await using service = await openService()
    const { scheduled } = await live(service)
    await untilMarked(service)
    await service.world.documents.drop({ name: 'notifications', version: 2_000, indexes: [] })
    for (const name of ['checkpoints', 'aliases'])
      await service.world.documents.drop({ name, version: 1, indexes: [] })
    await service.advance(30_000)
    await service.leap(21 * hour)
    expect(await service.statusOf(scheduled)).toBe('delivered')
    await service.advance(5_000)
    expect(await audit(service)).toMatchObject({ clean: true })
  })

  test('do not need a mark', async () => {
    const before = await openService()
    const { scheduled } = await live(before)
    expect(await before.world.events.read(recoveryStream)).toEqual([])
    await before.crash()
    const world = { ...before.world, documents: createMemoryDocumentStore() }
    await using after = await openService({ world })
    await after.advance(1_000)
    await after.leap(21 * hour)
    expect(await after.statusOf(scheduled)).toBe('delivered')
  })

  test('of what is parked can be set again: it is in the list at once', async () => {
    const before = await openService()
    const { twilio } = before.world
    const lost = { is: 'ambiguous', code: 'reset', reason: 'The connection broke.' } as const
    twilio.answer(() => lost)
    const id = await before.send(toPhone())
    await before.advance(400_000)
    expect(await before.statusOf(id)).toBe('parked')
    await untilMarked(before)
    await before.crash()
    const fresh = { ...before.world, documents: createMemoryDocumentStore() }
    await using after = await openService({ world: withoutHistory(fresh, () => true) })
    await after.advance(3_000)
    expect((await notificationsOf(after)).map((each) => [each.id, each.body.status])).toEqual([
      [id, 'parked'],
    ])
  })
})

describe('marks', () => {
  const marksIn = async (world: World): Promise<readonly RecordedEvent[]> =>
    world.events.read(recoveryStream)

  test('are made once an hour, and not while nothing happens', async () => {
    await using service = await openService()
    const count = async () => (await marksIn(service.world)).length
    const pass = async (ms: number) => {
      await service.leap(ms)
      await service.advance(61_000)
    }
    await service.send(request({ to: { userId: 'nobody' } }))
    await untilMarked(service)
    expect(await count()).toBe(1)
    await service.send(request({ to: { userId: 'nobody' } }))
    await pass(hour / 2)
    expect(await count()).toBe(1)
    await pass(hour / 2)
    expect(await count()).toBe(2)
    await pass(hour)
    await pass(24 * hour)
    expect(await count()).toBe(2)
    await service.send(request({ to: { userId: 'nobody' } }))
    await service.advance(61_000)
    await pass(hour)
    expect(await count()).toBe(3)
  })

  test('are shown to no app, and break no audit', async () => {
    await using service = await openService()
    await live(service)
    await untilMarked(service)
    expect(await audit(service)).toMatchObject({ clean: true, differences: [] })
    const marks = await marksIn(service.world)
    expect(marks.map(({ metadata }) => metadata.app)).toEqual([''])
  })
})
