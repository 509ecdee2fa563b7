import { describe, expect, test } from 'vitest'
import { allProjections } from '#projections/all.ts'
import { collectionOf } from '#projections/projection.ts'
import { openService, type Service } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

const notifications = allProjections.find(({ name }) => name === 'notifications')!
const recipients = allProjections.find(({ name }) => name === 'recipients')!

/** As `projections rebuild` does it; who keeps the read models takes it up within a second. */
const rebuild = async (service: Service, projection = notifications): Promise<number> => {
  const { building } = await service.core.readModels.change(projection, (now) => ({
    ...now,
    building: now.building ?? Math.max(now.active, ...(now.retired ?? [])) + 1,
  }))
  return building!
}

const scan = (service: Service, generation: number, projection = notifications) =>
  service.world.documents.scan(collectionOf(projection, generation), { limit: 1_000 })

describe('a rebuild', () => {
  test('replaces a read model under traffic, and the old one goes', async () => {
    await using service = await openService()
    await addPerson(service)
    for (let made = 0; made < 100; made += 1) await service.send(request({ channels: ['push'] }))
    await service.advance(500)
    const generation = await rebuild(service)
    expect(generation).toBe(1)
    for (let made = 0; made < 50; made += 1) {
      await service.send(request({ channels: ['push'] }))
      await service.advance(20)
    }
    await service.quiet()
    await service.advance(6_000)
    expect(await service.core.readModels.generations(notifications)).toMatchObject({
      active: 1,
      retired: [],
    })
    expect(await scan(service, 0)).toEqual([])
    const documents = await scan(service, 1)
    expect(documents).toHaveLength(150)
    for (const { id, body } of documents) expect(body.status).toBe(await service.statusOf(id))
    expect(service.world.apns.sent).toHaveLength(150)
  })

  test('keeps the agenda: what is due during and after it is done', async () => {
    await using service = await openService()
    const { clock } = service.world
    await addPerson(service)
    const at = (ms: number) => new Date(clock.now() + ms).toISOString()
    const soon = await service.send(request({ sendAt: at(2_000) }))
    const later = await service.send(request({ sendAt: at(10_000) }))
    await service.advance(1_000)
    await rebuild(service)
    await service.advance(3_000)
    expect(await service.statusOf(soon)).toBe('delivered')
    await service.quiet(30_000)
    expect(await service.statusOf(later)).toBe('delivered')
  })

  test('of the recipients changes no decision', async () => {
    await using service = await openService()
    await addPerson(service)
    await addPerson(service, { userId: 'noa', preferences: { receive: false } })
    await service.advance(1_000)
    await rebuild(service, recipients)
    await service.advance(1_000)
    const wanted = await service.send(request({ channels: ['push'] }))
    const unwanted = await service.send(request({ to: { userId: 'noa' } }))
    await service.quiet()
    expect(await service.statusOf(wanted)).toBe('delivered')
    expect(await service.statusOf(unwanted)).toBe('suppressed')
    expect(await scan(service, 1, recipients)).toHaveLength(2)
  })

  test('that a crash interrupts goes on with the next start', async () => {
    await using before = await openService()
    const { world } = before
    await addPerson(before)
    for (let made = 0; made < 20; made += 1) await before.send(request({ channels: ['push'] }))
    await before.quiet()
    const { building } = await before.core.readModels.change(notifications, (now) => ({
      ...now,
      building: now.active + 1,
    }))
    await before.crash()
    await using after = await openService({ world })
    await after.advance(2_000)
    await after.send(request({ channels: ['push'] }))
    await after.advance(6_000)
    expect(await after.core.readModels.generations(notifications)).toEqual({
      active: building,
      retired: [],
    })
    expect(await scan(after, building!)).toHaveLength(21)
    expect(await scan(after, 0)).toEqual([])
  })

  test('ends on a quiet log too, and nothing of the old one is left after a restart', async () => {
    await using before = await openService()
    const { world } = before
    await addPerson(before)
    await before.send(request({ channels: ['push'] }))
    await before.quiet()
    await rebuild(before)
    await before.advance(2_000)
    expect((await before.core.readModels.generations(notifications)).active).toBe(1)
    await before.crash()
    await using after = await openService({ world })
    await after.advance(6_000)
    expect(await scan(after, 0)).toEqual([])
    expect(await scan(after, 1)).toHaveLength(1)
  })
})
