import { describe, expect, test } from 'vitest'
import { deliveryStatus } from '#domain/notification/status.ts'
import type { Outcome } from '#ports/channel.ts'
import { app, openService, type Service } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

const dead = (timestamp?: number, code = 'Unregistered'): Outcome => ({
  is: 'endpoint-invalid',
  code,
  reason: 'The device token is inactive.',
  ...(timestamp !== undefined && { evidence: { timestamp: new Date(timestamp).toISOString() } }),
})

const deviceIds = async (service: Service) =>
  (await service.recipients.load(app, 'mina'))?.devices.map((each) => each.deviceId)

const statusesOf = async (service: Service, id: string) => {
  const notification = await service.notification(id)
  return notification.deliveries.map((each) => deliveryStatus(notification, each))
}

describe('a user with three devices', () => {
  test('gets three deliveries, each with its own outcome', async () => {
    await using service = await openService()
    const { apns, fcm } = service.world
    await addPerson(service, { devices: { phone: 'ios', tablet: 'ios', old: 'android' } })
    fcm.answerOnce({ is: 'retry', code: '503', reason: 'busy' })
    apns.answerOnce(
      { is: 'delivered', providerMessageId: 'a-1' },
      { is: 'permanent', code: 'PayloadTooLarge', reason: 'Too large.' },
    )
    const id = await service.send(request({ channels: ['push'] }))
    await service.quiet()

    const { deliveries } = await service.notification(id)
    expect(deliveries.map((each) => each.endpoint.deviceId)).toEqual(['phone', 'tablet', 'old'])
    expect(await statusesOf(service, id)).toEqual(['delivered', 'failed', 'delivered'])
    expect(deliveries.map((each) => each.attempts.length)).toEqual([1, 1, 2])
    expect(await service.statusOf(id)).toBe('delivered')
    expect(apns.sent.map((each) => each.message.to)).toEqual([
      { kind: 'device', platform: 'ios', token: 'token-phone' },
      { kind: 'device', platform: 'ios', token: 'token-tablet' },
    ])
    expect(fcm.sent).toHaveLength(2)
  })

  test('loses the dead one by an event with the evidence', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service, { devices: { phone: 'ios', tablet: 'ios', old: 'android' } })
    await service.advance(1_000)
    const deadSince = clock.now() - 10
    apns.answer(({ message }) =>
      message.to.kind === 'device' && message.to.token === 'token-tablet'
        ? dead(deadSince)
        : { is: 'delivered' },
    )
    const id = await service.send(request({ channels: ['push'] }))
    await service.quiet()

    expect(await statusesOf(service, id)).toEqual(['delivered', 'failed', 'delivered'])
    expect(await deviceIds(service)).toEqual(['phone', 'old'])
    const stream = service.core.aggregates.streamOf.recipient(app, 'mina')
    const removed = (await service.world.events.read(stream)).at(-1)
    expect(removed).toMatchObject({
      type: 'RecipientDeviceRemoved',
      data: {
        deviceId: 'tablet',
        reason: 'endpoint-invalid',
        evidence: {
          notificationId: id,
          deliveryId: 'd2',
          attempt: 1,
          provider: 'apns',
          code: 'Unregistered',
          timestamp: new Date(deadSince).toISOString(),
        },
      },
      metadata: { actor: 'provider:apns', correlationId: id },
    })

    await service.send(request({ channels: ['push'] }))
    await service.quiet()
    expect(apns.sent.filter((each) => each.deliveryId === 'd2')).toHaveLength(1)
  })
})

describe.each(['Unregistered', 'ExpiredToken'])('a token that APNs calls dead, %s,', (code) => {
  test('lives when it was registered after that moment', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    await service.advance(60_000)
    const deadSince = clock.now() - 30_000
    const again = { do: 'add-device', deviceId: 'phone', platform: 'ios' } as const
    await service.changeRecipient('mina', { ...again, token: 'token-other' })
    await service.changeRecipient('mina', { ...again, token: 'token-phone' })
    apns.answer(() => dead(deadSince, code))
    const id = await service.send(request({ channels: ['push'] }))
    await service.quiet()
    expect(await service.statusOf(id)).toBe('failed')
    expect(await deviceIds(service)).toEqual(['phone'])
  })

  test('lives when APNs does not say since when', async () => {
    await using service = await openService()
    await addPerson(service)
    service.world.apns.answer(() => dead(undefined, code))
    await service.send(request({ channels: ['push'] }))
    await service.quiet()
    expect(await deviceIds(service)).toEqual(['phone'])
  })

  test('is removed when it was registered before that moment', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    await service.advance(1_000)
    apns.answer(() => dead(clock.now() - 10, code))
    await service.send(request({ channels: ['push'] }))
    await service.quiet()
    expect(await deviceIds(service)).toEqual([])
  })

  test('is not removed when another token took its place while the push was under way', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    const again = { do: 'add-device', deviceId: 'phone', platform: 'ios' } as const
    apns.answerOnce(async () => {
      await service.changeRecipient('mina', { ...again, token: 'token-new' })
      return dead(clock.now() + 1, code)
    })
    await service.send(request({ channels: ['push'] }))
    await service.quiet()
    expect(await deviceIds(service)).toEqual(['phone'])
  })
})

describe('a device that changed its platform after the routing', () => {
  test('is not sent to by the provider of the old one', async () => {
    await using service = await openService()
    const { apns, fcm } = service.world
    await addPerson(service)
    apns.answerOnce({ is: 'retry', code: '503', reason: 'busy' })
    const id = await service.send(request({ channels: ['push'] }))
    await service.until(() => apns.sent.length === 1)
    const android = { deviceId: 'phone', platform: 'android', token: 'token-droid' } as const
    await service.changeRecipient('mina', { do: 'add-device', ...android })
    await service.quiet()
    expect(await service.statusOf(id)).toBe('suppressed')
    expect([apns.sent.length, fcm.sent.length]).toEqual([1, 0])
  })
})

describe('a bare address that is dead', () => {
  const to = { device: { platform: 'ios', token: 'token-bare' } } as const

  test('is suppressed, with the evidence, and not used again', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    apns.answer(() => dead(clock.now()))
    const first = await service.send(request({ to }))
    await service.quiet()
    const second = await service.send(request({ to }))
    await service.quiet()

    expect(await service.statusOf(first)).toBe('failed')
    expect(await service.statusOf(second)).toBe('suppressed')
    expect((await service.notification(second)).passedOver).toMatchObject([
      { reason: 'address-suppressed', rule: 'address.endpoint-invalid' },
    ])
    expect(apns.sent).toHaveLength(1)
    const [[, facts] = []] = await service.streamsOf('address')
    expect(facts?.map((each) => each.data)).toMatchObject([
      { cause: 'endpoint-invalid', channel: 'push', evidence: { notificationId: first } },
    ])
    expect(JSON.stringify(facts)).not.toContain('token-bare')
  })
})
