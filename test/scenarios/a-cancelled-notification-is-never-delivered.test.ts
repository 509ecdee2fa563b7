import { describe, expect, test } from 'vitest'
import { openService } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

const busy = { is: 'retry', code: '503', reason: 'busy' } as const

describe('a cancelled notification', () => {
  test('is never delivered when nobody had routed it yet', async () => {
    await using service = await openService({ asleep: true })
    await addPerson(service)
    const id = await service.send(request())
    expect(await service.cancel(id)).toEqual({
      status: 'cancelled',
      cancelled: [],
      left: [],
      mayHaveLeft: [],
    })
    await service.start()
    await service.leap(3_600_000)
    expect(await service.typesOf(id)).toEqual(['Requested', 'Cancelled'])
    expect(service.world.apns.sent).toHaveLength(0)
  })

  test('is never delivered when it was waiting for its time', async () => {
    await using service = await openService()
    await addPerson(service)
    const sendAt = new Date(service.world.clock.now() + 3_600_000).toISOString()
    const id = await service.send(request({ sendAt }))
    await service.advance(1_000)
    await service.cancel(id)
    await service.leap(7_200_000)
    expect(await service.typesOf(id)).toEqual(['Requested', 'Cancelled'])
  })

  test('is not tried again', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answer(() => busy)
    const id = await service.send(request({ channels: ['push'] }))
    await service.until(() => apns.sent.length === 1)
    expect(await service.cancel(id)).toEqual({
      status: 'cancelled',
      cancelled: ['d1'],
      left: [],
      mayHaveLeft: [],
    })
    await service.leap(3_600_000)
    expect(apns.sent).toHaveLength(1)
    expect(await service.statusOf(id)).toBe('cancelled')
  })

  test('may have left when an attempt was under way, and its outcome is still recorded', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    const answered = Promise.withResolvers<typeof busy>()
    apns.answerOnce(() => answered.promise)
    const id = await service.send(request({ channels: ['push'] }))
    await service.until(() => apns.sent.length === 1)
    expect(await service.cancel(id)).toMatchObject({
      status: 'dispatched',
      cancelled: [],
      mayHaveLeft: ['d1'],
    })
    answered.resolve(busy)
    await service.leap(3_600_000)
    expect(apns.sent).toHaveLength(1)
    expect(await service.statusOf(id)).toBe('cancelled')
  })

  test('is delivered when it had left before: nothing can undo that', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    const answered = Promise.withResolvers<{ is: 'delivered' }>()
    apns.answerOnce(() => answered.promise)
    const id = await service.send(request({ channels: ['push'] }))
    await service.until(() => apns.sent.length === 1)
    await service.cancel(id)
    answered.resolve({ is: 'delivered' })
    await service.quiet()
    expect(await service.statusOf(id)).toBe('delivered')
    expect(await service.cancel(id)).toEqual({
      status: 'delivered',
      cancelled: [],
      left: ['d1'],
      mayHaveLeft: [],
    })
  })

  test('may have left when the fate of its last attempt is unknown', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answerOnce({ is: 'ambiguous', code: 'reset', reason: 'The connection broke.' })
    const id = await service.send(request({ channels: ['push'] }))
    await service.until(async () => (await service.statusOf(id)) === 'retrying')
    expect(await service.cancel(id)).toEqual({
      status: 'cancelled',
      cancelled: ['d1'],
      left: [],
      mayHaveLeft: ['d1'],
    })
    await service.leap(3_600_000)
    expect(apns.sent).toHaveLength(1)
  })

  test('is unknown to another app', async () => {
    await using service = await openService()
    await addPerson(service)
    const id = await service.send(request())
    await expect(service.cancel(id, 'other')).rejects.toMatchObject({
      code: 'notification/not-found',
    })
  })

  test('cancelled between fence and first byte: the attempt under way goes on, none follows', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    apns.answer(() => busy)
    apns.beforeFirstByte = () => clock.sleep(500)
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(300)
    expect(await service.cancel(id)).toMatchObject({ mayHaveLeft: ['d1'] })
    await service.leap(3_600_000)
    expect(apns.sent).toHaveLength(1)
    expect(await service.statusOf(id)).toBe('cancelled')
  })
})
