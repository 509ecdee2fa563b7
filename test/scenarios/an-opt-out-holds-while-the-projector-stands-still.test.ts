import { describe, expect, test } from 'vitest'
import { app, openService } from '../support/open-service.ts'
import { addPerson, optOut, request, toPhone } from '../support/people.ts'

describe('while the projector stands still', () => {
  test('an opt-out that was answered holds for what comes after it', async () => {
    await using service = await openService()
    await addPerson(service)
    await service.advance(1_000)
    service.faults.documentsRefuse = true
    await optOut(service)
    const id = await service.send(request())
    await service.advance(2_000)
    expect(await service.statusOf(id)).toBe('suppressed')
    expect((await service.notification(id)).passedOver).toMatchObject([
      { reason: 'opted-out', rule: 'preferences.receive' },
      { reason: 'no-endpoint' },
      { reason: 'no-endpoint' },
    ])
    expect(service.world.apns.sent).toHaveLength(0)
  })

  test('it holds for what was routed before', async () => {
    await using service = await openService({ providers: ['fcm'] })
    await addPerson(service, { devices: { phone: 'android' } })
    const { fcm } = service.world
    fcm.answerOnce({ is: 'retry', code: '503', reason: 'busy' })
    const id = await service.send(request({ channels: ['push'] }))
    await service.until(() => fcm.sent.length === 1)
    await service.advance(200)
    service.faults.documentsRefuse = true
    await optOut(service)
    const hint = { lane: 'push', priority: 'normal', notificationId: id } as const
    service.world.clock.jump(60_000)
    await service.queue.publish([hint])
    await service.advance(1_000)
    expect(await service.statusOf(id)).toBe('suppressed')
    expect(fcm.sent).toHaveLength(1)
  })

  test('a suppressed address and a removed device hold as well', async () => {
    await using service = await openService()
    await addPerson(service, { phone: '+821012345678' })
    await service.advance(1_000)
    service.faults.documentsRefuse = true
    const evidence = { by: 'test' }
    const order = { do: 'suppress', app, channel: 'sms', cause: 'requested', evidence } as const
    await service.recipients.changeAddress(app, '+821012345678', order, 'key:test')
    const remove = { do: 'remove-device', deviceId: 'phone', reason: 'requested' } as const
    await service.changeRecipient('mina', remove)
    const bare = await service.send(toPhone())
    const toMina = await service.send(request({ channels: ['push', 'sms'] }))
    await service.advance(2_000)
    expect(await service.statusOf(bare)).toBe('suppressed')
    expect(await service.statusOf(toMina)).toBe('suppressed')
    expect(service.world.twilio.sent).toHaveLength(0)
    expect(service.world.apns.sent).toHaveLength(0)
  })

  test('what was not refused goes out all the same', async () => {
    await using service = await openService()
    await addPerson(service)
    service.faults.documentsRefuse = true
    const id = await service.send(request())
    await service.advance(1_000)
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('an opt-in that was answered holds too', async () => {
    await using service = await openService()
    await addPerson(service, { preferences: { receive: false } })
    await service.advance(1_000)
    service.faults.documentsRefuse = true
    await optOut(service, 'mina', { receive: true })
    const id = await service.send(request())
    await service.advance(1_000)
    expect(await service.statusOf(id)).toBe('delivered')
  })
})
