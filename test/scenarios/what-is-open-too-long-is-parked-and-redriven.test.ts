import { describe, expect, test } from 'vitest'
import { openService } from '../support/open-service.ts'
import { addPerson, request, toPhone } from '../support/people.ts'

const hour = 3_600_000
const busy = { is: 'retry', code: '503', reason: 'busy' } as const

describe('what is open for 72 hours', () => {
  test('is parked, and sent when it is redriven, with the next attempt number', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answer(() => busy)
    const id = await service.send(request({ channels: ['push'] }))
    await service.until(() => apns.sent.length === 3)
    await service.leap(71 * hour)
    expect(await service.statusOf(id)).not.toBe('parked')
    await service.leap(hour)
    expect(await service.statusOf(id)).toBe('parked')
    const tries = apns.sent.length
    await service.leap(1_000 * hour)
    expect(apns.sent).toHaveLength(tries)

    apns.answer(() => ({ is: 'delivered' }))
    expect(await service.redrive(id)).toMatchObject({ redriven: true })
    await service.quiet()
    expect(await service.statusOf(id)).toBe('delivered')
    expect(apns.sent.map((each) => each.attempt)).toEqual(
      Array.from({ length: tries + 1 }, (_, index) => index + 1),
    )
    expect(await service.redrive(id)).toEqual({ status: 'delivered', redriven: false })
  })

  test('counts from when it could be sent, not from when it was asked for', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    apns.answer(() => busy)
    const sendAt = new Date(clock.now() + 100 * hour).toISOString()
    const id = await service.send(request({ channels: ['push'], sendAt }))
    await service.advance(1_000)
    await service.leap(100 * hour)
    // Its first retry may have followed within the second that the leap takes.
    expect(apns.sent.map(({ attempt }) => attempt)).toEqual([1, 2].slice(0, apns.sent.length))
    expect(apns.sent[0]!.at).toBeGreaterThanOrEqual(Date.parse(sendAt))
    await service.leap(71 * hour)
    expect(await service.statusOf(id)).not.toBe('parked')
    await service.leap(2 * hour)
    expect(await service.statusOf(id)).toBe('parked')
  })

  test('has another 72 hours after a redrive', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answer(() => busy)
    const id = await service.send(request({ channels: ['push'] }))
    await service.until(() => apns.sent.length === 1)
    await service.leap(72 * hour)
    await service.advance(60_000)
    expect(await service.statusOf(id)).toBe('parked')
    await service.redrive(id)
    await service.advance(5_000)
    await service.leap(71 * hour)
    expect(await service.statusOf(id)).toBe('retrying')
    await service.leap(2 * hour)
    expect(await service.statusOf(id)).toBe('parked')
  })

  test('is parked before it was routed too, and routed after a redrive', async () => {
    await using service = await openService()
    await addPerson(service)
    service.faults.hints = 'get-lost'
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(1_000)
    service.world.clock.jump(72 * hour)
    service.faults.hints = 'arrive'
    await service.advance(60_000)
    expect(await service.typesOf(id)).toEqual(['Requested', 'Parked'])
    await service.redrive(id)
    await service.quiet()
    expect(await service.typesOf(id)).toEqual([
      ...['Requested', 'Parked', 'Redriven', 'Routed', 'Dispatched', 'Delivered'],
    ])
  })

  test('is not parked while an SMS waits for its receipt', async () => {
    await using service = await openService()
    const id = await service.send(toPhone())
    await service.quiet(10_000, { accepted: true })
    await service.leap(9 * hour)
    expect(await service.statusOf(id)).toBe('accepted')
  })

  test('may be cancelled instead of redriven', async () => {
    await using service = await openService()
    await addPerson(service)
    service.world.apns.answer(() => busy)
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(1_000)
    await service.leap(72 * hour)
    await service.advance(60_000)
    expect(await service.cancel(id)).toMatchObject({ status: 'cancelled', cancelled: ['d1'] })
    expect(await service.redrive(id, true)).toEqual({ status: 'cancelled', redriven: false })
  })

  test('skips what was delivered when only one of two devices is redriven', async () => {
    await using service = await openService()
    const { apns, fcm } = service.world
    await addPerson(service, { devices: { phone: 'ios', old: 'android' } })
    fcm.answer(() => busy)
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(1_000)
    await service.leap(72 * hour)
    await service.advance(60_000)
    expect(await service.statusOf(id)).toBe('parked')
    fcm.answer(() => ({ is: 'delivered' }))
    await service.redrive(id, true)
    await service.quiet()
    expect(await service.statusOf(id)).toBe('delivered')
    expect(apns.sent).toHaveLength(1)
  })
})
