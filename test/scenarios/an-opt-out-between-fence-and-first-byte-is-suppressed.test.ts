import { describe, expect, test } from 'vitest'
import { app, openService, type Service } from '../support/open-service.ts'
import { addPerson, optOut, request, toPhone } from '../support/people.ts'

/** Does something as soon as a fence has been written, before its writer hears of it. */
const afterFence = (service: Service, act: () => Promise<unknown>): void => {
  let done = false
  const { events, clock } = service.world
  const append = events.append
  const appendAndAct: typeof append = async (stream, news, options) => {
    const appended = await append(stream, news, options)
    if (!done && news.some((each) => each.type === 'NotificationDispatched')) {
      done = true
      await act()
      // Longer than what was read before the fence will do.
      await clock.sleep(300)
    }
    return appended
  }
  Object.assign(events, { append: appendAndAct })
}

describe('an opt-out between the fence and the first byte', () => {
  test('suppresses the attempt, certainly not sent', async () => {
    await using service = await openService()
    await addPerson(service)
    const id = await service.send(request({ channels: ['push'], sendAt: at(service, 1_000) }))
    await service.advance(200)
    afterFence(service, () => optOut(service))
    await service.quiet()
    expect(await service.typesOf(id)).toEqual(['Requested', 'Routed', 'Dispatched', 'Suppressed'])
    expect((await service.eventsOf(id)).at(-1)?.data).toMatchObject({
      deliveryId: 'd1',
      attempt: 1,
      reason: 'opted-out',
      rule: 'preferences.receive',
    })
    expect(service.world.apns.sent).toHaveLength(0)
  })

  test('for one category leaves the others alone', async () => {
    await using service = await openService()
    await addPerson(service)
    afterFence(service, () => optOut(service, 'mina', { categories: { marketing: false } }))
    const id = await service.send(request({ channels: ['push'], category: 'orders' }))
    await service.quiet()
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('of the address holds for a bare one', async () => {
    await using service = await openService()
    const order = { do: 'suppress', app, channel: 'sms', cause: 'opted-out', evidence: {} } as const
    afterFence(service, () =>
      service.recipients.changeAddress(app, '+821012345678', order, 'key:test'),
    )
    const id = await service.send(toPhone())
    await service.quiet()
    expect(await service.statusOf(id)).toBe('suppressed')
    expect(service.world.twilio.sent).toHaveLength(0)
  })

  test('holds while a connection is being made: what comes too late is kept back', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    apns.beforeFirstByte = async () => {
      apns.beforeFirstByte = undefined
      await clock.sleep(1_500)
    }
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(300)
    await optOut(service)
    await service.quiet()
    expect(apns.sent).toHaveLength(0)
    expect(await service.statusOf(id)).toBe('suppressed')
  })

  test('holds while a stream that was disowned waits for its repeat', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    apns.beforeRepeat = async () => {
      apns.beforeRepeat = undefined
      await clock.sleep(1_500)
    }
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(300)
    await optOut(service)
    await service.quiet()
    expect(apns.sent).toHaveLength(0)
    expect((await service.eventsOf(id))[3]!.data).toMatchObject({
      outcome: 'retry',
      code: 'withheld',
    })
    expect(await service.statusOf(id)).toBe('suppressed')
  })

  test('a phone number that changed after the fence is not sent to; the new one is', async () => {
    await using service = await openService()
    const { twilio } = service.world
    await addPerson(service, { devices: {}, phone: '+821012345678' })
    const profile = { phone: '+821099999999' }
    afterFence(service, () =>
      service.changeRecipient('mina', { do: 'update', app, userId: 'mina', profile }),
    )
    const id = await service.send(request({ channels: ['sms'] }))
    await service.quiet(60_000, { accepted: true })
    expect(await service.typesOf(id)).toEqual([
      ...['Requested', 'Routed', 'Dispatched', 'Failed', 'Dispatched', 'Accepted'],
    ])
    expect(twilio.sent.map((each) => each.message.to)).toEqual([
      { kind: 'phone', phone: '+821099999999' },
    ])
  })
})

const at = (service: Service, ms: number): string =>
  new Date(service.world.clock.now() + ms).toISOString()
