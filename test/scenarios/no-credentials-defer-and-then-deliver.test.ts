import { describe, expect, test } from 'vitest'
import { openService } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

const hour = 3_600_000

describe('a provider without credentials', () => {
  test('has its deliveries deferred, once, and delivered when there are credentials', async () => {
    await using before = await openService({ providers: ['fcm'] })
    const { world } = before
    await addPerson(before)
    const id = await before.send(request({ channels: ['push'] }))
    await before.advance(1_000)
    expect(await before.statusOf(id)).toBe('deferred')
    expect((await before.eventsOf(id)).at(-1)).toMatchObject({
      type: 'NotificationDeferred',
      data: { deliveries: ['d1'], reason: 'provider-paused', rule: 'credential.absent' },
    })
    await before.advance(180_000)
    await before.leap(hour)
    await before.advance(60_000)
    expect(await before.typesOf(id)).toEqual(['Requested', 'Routed', 'Deferred'])
    expect(before.reactions.credentials.get('apns')).toBeUndefined()
    await before.crash()

    await using after = await openService({ world })
    await after.quiet(60_000)
    expect(await after.typesOf(id)).toEqual([
      ...['Requested', 'Routed', 'Deferred', 'Dispatched', 'Delivered'],
    ])
    expect(world.apns.sent).toHaveLength(1)
  })

  test('does not hold up the other devices', async () => {
    await using service = await openService({ providers: ['fcm'] })
    await addPerson(service, { devices: { phone: 'ios', old: 'android' } })
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(1_000)
    expect((await service.typesOf(id)).toSorted()).toEqual([
      ...['Deferred', 'Delivered', 'Dispatched', 'Requested', 'Routed'],
    ])
    expect(service.world.fcm.sent).toHaveLength(1)
  })

  test('is said once for all of its devices together', async () => {
    await using service = await openService({ providers: [] })
    await addPerson(service, { devices: { phone: 'ios', tablet: 'ios', old: 'android' } })
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(60_000)
    expect(await service.typesOf(id)).toEqual(['Requested', 'Routed', 'Deferred'])
  })

  test('may be cancelled meanwhile', async () => {
    await using service = await openService({ providers: [] })
    await addPerson(service)
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(1_000)
    expect(await service.cancel(id)).toMatchObject({ status: 'cancelled', cancelled: ['d1'] })
  })

  test('parks what nobody gave credentials for in three days', async () => {
    await using service = await openService({ providers: [] })
    await addPerson(service)
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(1_000)
    await service.leap(72 * hour)
    expect(await service.statusOf(id)).toBe('parked')
  })
})
