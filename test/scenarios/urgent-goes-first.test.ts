import { describe, expect, test } from 'vitest'
import type { Priority } from '#domain/notification/events.ts'
import { openService, type Service } from '../support/open-service.ts'
import { request } from '../support/people.ts'

const to = { device: { platform: 'ios', token: 'token-1' } } as const

const sendMany = async (service: Service, priority: Priority, count: number): Promise<void> => {
  for (let made = 0; made < count; made += 1) await service.send(request({ to, priority }))
}

const order = (service: Service): readonly Priority[] =>
  service.world.apns.sent.map(({ message }) => message.priority)

describe('urgent', () => {
  test('goes before what came earlier', async () => {
    await using service = await openService({ slots: 1 })
    const { apns, clock } = service.world
    apns.answer(async () => {
      await clock.sleep(10)
      return { is: 'delivered' }
    })
    await sendMany(service, 'bulk', 200)
    await service.advance(100)
    await sendMany(service, 'urgent', 20)
    const before = apns.sent.length
    await service.advance(500)
    const next = order(service).slice(before, before + 40)
    expect(next.filter((each) => each === 'urgent')).toHaveLength(20)
    await service.quiet()
    expect(apns.sent).toHaveLength(220)
  })

  test('starves nobody', async () => {
    await using service = await openService({ slots: 1 })
    const { apns, clock } = service.world
    apns.answer(async () => {
      await clock.sleep(10)
      return { is: 'delivered' }
    })
    await sendMany(service, 'urgent', 150)
    await sendMany(service, 'normal', 100)
    await sendMany(service, 'bulk', 50)
    await service.advance(1_200)
    const first = order(service).slice(20, 100)
    expect(first.filter((each) => each === 'bulk').length).toBeGreaterThan(4)
    expect(first.filter((each) => each === 'normal').length).toBeGreaterThan(12)
    expect(first.filter((each) => each === 'urgent').length).toBeGreaterThan(30)
    await service.quiet()
    expect(apns.sent).toHaveLength(300)
  })

  test('is not held up by a lane that is full of bulk', async () => {
    await using service = await openService({ slots: 1, capacity: 20 })
    const { apns, clock } = service.world
    apns.answer(async () => {
      await clock.sleep(20)
      return { is: 'delivered' }
    })
    await sendMany(service, 'bulk', 300)
    await service.advance(500)
    await sendMany(service, 'urgent', 5)
    await service.until(
      () => order(service).filter((each) => each === 'urgent').length === 5,
      2_000,
      20,
    )
    expect(apns.sent.length).toBeLessThan(150)
    await service.quiet()
    expect(apns.sent).toHaveLength(305)
  })
})
