import { describe, expect, test } from 'vitest'
import { openService, type Service } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

const hour = 3_600_000
const inMs = (service: Service, ms: number): string =>
  new Date(service.world.clock.now() + ms).toISOString()

describe('a scheduled notification', () => {
  test('waits until its time, and then goes out once', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    const sendAt = clock.now() + 10_000
    const id = await service.send(request({ sendAt: new Date(sendAt).toISOString() }))
    await service.advance(9_900)
    expect(await service.typesOf(id)).toEqual(['Requested'])
    expect(await service.statusOf(id)).toBe('scheduled')
    await service.quiet()
    expect(apns.sent).toHaveLength(1)
    expect(apns.sent[0]!.at).toBeGreaterThanOrEqual(sendAt)
    expect(apns.sent[0]!.at).toBeLessThan(sendAt + 1_500)
  })

  test('waits across a restart', async () => {
    await using before = await openService()
    const { world } = before
    await addPerson(before)
    const id = await before.send(request({ sendAt: inMs(before, 24 * hour) }))
    await before.advance(1_000)
    await before.stop()

    world.clock.jump(12 * hour)
    await using after = await openService({ world })
    await after.advance(5_000)
    expect(world.apns.sent).toHaveLength(0)
    await after.leap(12 * hour)
    expect(await after.statusOf(id)).toBe('delivered')
    expect(world.apns.sent).toHaveLength(1)
  })

  test('goes out at once when its time passed while nobody ran', async () => {
    await using before = await openService()
    const { world } = before
    await addPerson(before)
    const id = await before.send(request({ sendAt: inMs(before, hour) }))
    await before.crash()
    world.clock.jump(2 * hour)
    await using after = await openService({ world })
    await after.advance(1_000)
    expect(await after.statusOf(id)).toBe('delivered')
  })

  test('uses the address that is right when its time comes', async () => {
    await using service = await openService()
    await addPerson(service, { devices: {} })
    const id = await service.send(request({ sendAt: inMs(service, hour), channels: ['push'] }))
    await service.advance(1_000)
    const device = { deviceId: 'new', platform: 'ios', token: 'token-new' } as const
    await service.changeRecipient('mina', { do: 'add-device', ...device })
    await service.leap(hour)
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('may be a year ahead', async () => {
    await using service = await openService()
    await addPerson(service)
    const id = await service.send(request({ sendAt: inMs(service, 365 * 24 * hour) }))
    await service.advance(1_000)
    await service.leap(364 * 24 * hour)
    expect(await service.statusOf(id)).toBe('scheduled')
    await service.leap(24 * hour)
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('goes out at once when its time lies in the past', async () => {
    await using service = await openService()
    await addPerson(service)
    const { answer } = await service.accept(request({ sendAt: inMs(service, -hour) }))
    expect(answer.status).toBe('requested')
    await service.advance(100)
    expect(await service.statusOf(answer.id)).toBe('delivered')
  })

  test('is not lost when the wall clock goes back for a while', async () => {
    await using service = await openService()
    await addPerson(service)
    const id = await service.send(request({ sendAt: inMs(service, 60_000) }))
    await service.leap(120_000 - 1_000 * 65)
    service.world.clock.jump(-300_000)
    await service.advance(2_000)
    expect(await service.statusOf(id)).toBe('scheduled')
    await service.leap(300_000 + 10_000)
    await service.quiet()
    expect(await service.statusOf(id)).toBe('delivered')
    expect(service.world.apns.sent).toHaveLength(1)
  })
})
