import { describe, expect, test } from 'vitest'
import { openService, type Service } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

const hour = 3_600_000
const inMs = (service: Service, ms: number): string =>
  new Date(service.world.clock.now() + ms).toISOString()
const busy = { is: 'retry', code: '503', reason: 'busy' } as const

describe('an expired notification', () => {
  test('is not sent when it expired before it was routed', async () => {
    await using service = await openService({ asleep: true })
    await addPerson(service)
    const id = await service.send(request({ expiresAt: inMs(service, 1_000) }))
    await service.advance(2_000)
    await service.start()
    await service.advance(1_000)
    expect(await service.typesOf(id)).toEqual(['Requested', 'Expired'])
    expect(service.world.apns.sent).toHaveLength(0)
  })

  test('is not tried again', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answer(() => busy)
    const id = await service.send(request({ channels: ['push'], expiresAt: inMs(service, 30_000) }))
    await service.advance(40_000)
    const tries = apns.sent.length
    expect(tries).toBeGreaterThan(1)
    expect(apns.sent.every(({ at, message }) => at < message.expiresAt!)).toBe(true)
    expect((await service.typesOf(id)).at(-1)).toBe('Expired')
    await service.leap(hour)
    expect(apns.sent).toHaveLength(tries)
  })

  test('expires on time though its next try would come much later', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    apns.answer(() => ({ ...busy, afterMs: 10 * hour }))
    const expiresAt = clock.now() + 20_000
    const id = await service.send(
      request({ channels: ['push'], expiresAt: new Date(expiresAt).toISOString() }),
    )
    await service.advance(22_000)
    const last = (await service.eventsOf(id)).at(-1)
    expect(last?.type).toBe('NotificationExpired')
    expect(Date.parse(last!.metadata.at)).toBeLessThan(expiresAt + 1_500)
  })

  test('waits for an attempt under way, whose outcome counts', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    const answered = Promise.withResolvers<{ is: 'delivered' }>()
    apns.answerOnce(() => answered.promise)
    const id = await service.send(request({ channels: ['push'], expiresAt: inMs(service, 2_000) }))
    await service.advance(5_000)
    expect(await service.statusOf(id)).toBe('dispatched')
    answered.resolve({ is: 'delivered' })
    await service.quiet()
    expect(await service.typesOf(id)).toEqual(['Requested', 'Routed', 'Dispatched', 'Delivered'])
  })

  test('expires while its provider has no credentials', async () => {
    await using service = await openService({ providers: [] })
    await addPerson(service)
    const id = await service.send(request({ channels: ['push'], expiresAt: inMs(service, 20_000) }))
    await service.advance(25_000)
    expect(await service.typesOf(id)).toEqual(['Requested', 'Routed', 'Deferred', 'Expired'])
  })

  test('does not take what a provider has accepted with it', async () => {
    await using service = await openService()
    await addPerson(service, { phone: '+821012345678' })
    service.world.apns.answer(() => busy)
    const id = await service.send(
      request({ channels: ['push', 'sms'], expiresAt: inMs(service, 20_000) }),
    )
    await service.advance(30_000)
    expect(await service.statusOf(id)).toBe('accepted')
    await service.receipt(service.world.twilio.sent[0]!, { is: 'delivered' })
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('is refused when it would expire before it is to be sent', async () => {
    await using service = await openService()
    const sendAt = inMs(service, hour)
    const expiresAt = inMs(service, hour / 2)
    await expect(service.send(request({ sendAt, expiresAt }))).rejects.toMatchObject({
      code: 'notification/expired-before-sent',
    })
  })
})
