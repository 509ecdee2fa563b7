import { describe, expect, test } from 'vitest'
import type { Outcome } from '#ports/channel.ts'
import { openService, type Service } from '../support/open-service.ts'
import { request, toPhone } from '../support/people.ts'
import { workerCount } from '../support/test-mode.ts'

const token = { device: { platform: 'ios', token: 'token-1' } } as const

const waitingOn = async (service: Service, lane: string): Promise<number> =>
  (await service.queue.depths())
    .filter((depth) => depth.lane === lane)
    .reduce((sum, depth) => sum + depth.waiting, 0)

describe('a full lane', () => {
  test('loses nothing of more than 10,000 items, while other lanes go on', {
    timeout: 30_000,
  }, async () => {
    await using service = await openService({ slots: 256 })
    const { apns, twilio } = service.world
    const open = Promise.withResolvers<Outcome>()
    apns.answer(() => open.promise)
    const count = 11_000
    for (let made = 0; made < count; made += 1000) {
      await Promise.all(Array.from({ length: 1_000 }, () => service.send(request({ to: token }))))
    }
    await service.until(async () => (await waitingOn(service, 'push')) === 10_000, 5_000)
    const sms = await service.send(toPhone())
    await service.until(() => twilio.sent.length === 1, 2_000)
    expect(await service.statusOf(sms)).toBe('accepted')

    open.resolve({ is: 'delivered' })
    await service.until(() => apns.sent.length === count, 10_000, 50)
    await service.until(async () => (await waitingOn(service, 'push')) === 0, 5_000)
    const refs = new Set(apns.sent.map(({ message }) => message.ref))
    expect(refs.size).toBe(count)
  })

  test('is caught up with by the relay, in order and each once', async () => {
    await using service = await openService({ slots: 2, capacity: 10 })
    const { apns } = service.world
    const gate = Promise.withResolvers<Outcome>()
    apns.answer(() => gate.promise)
    const ids: string[] = []
    for (let made = 0; made < 200; made += 1) ids.push(await service.send(request({ to: token })))
    await service.advance(1_000)
    expect(await waitingOn(service, 'push')).toBe(10)
    gate.resolve({ is: 'delivered' })
    await service.quiet(60_000)
    expect(apns.sent).toHaveLength(200)
    for (const id of ids) expect(await service.statusOf(id)).toBe('delivered')
  })

  test('of the router loses nothing either', async () => {
    await using service = await openService({ slots: 1, capacity: 5 })
    const asked = Array.from({ length: 300 }, () => service.send(request({ to: token })))
    await Promise.all(asked)
    await service.quiet(120_000)
    expect(service.world.apns.sent).toHaveLength(300)
  })

  test('that was not emptied before a crash is filled again', async () => {
    await using before = await openService({ slots: 2, capacity: 10 })
    const { world } = before
    world.apns.answer(() => 'never')
    await Promise.all(Array.from({ length: 100 }, () => before.send(request({ to: token }))))
    await before.advance(2_000)
    await before.crash()
    world.apns.answer(() => ({ is: 'delivered' }))
    await using after = await openService({ world, slots: 2, capacity: 10 })
    await after.quiet(120_000)
    expect([...(await after.statuses()).values()].every((each) => each === 'delivered')).toBe(true)
    expect(world.apns.sent.length).toBeLessThanOrEqual(100 + 2 * workerCount)
  })

  test('whose log does not answer while it is caught up with goes on afterwards', async () => {
    await using service = await openService({ slots: 2, capacity: 10 })
    const { apns, events } = service.world
    const gate = Promise.withResolvers<Outcome>()
    apns.answer(() => gate.promise)
    for (let made = 0; made < 100; made += 1) await service.send(request({ to: token }))
    await service.advance(1_000)
    const readAll = events.readAll
    Object.assign(events, { readAll: () => Promise.reject(new Error('It broke.')) })
    gate.resolve({ is: 'delivered' })
    await service.advance(1_000)
    Object.assign(events, { readAll })
    await service.quiet(60_000)
    expect(apns.sent).toHaveLength(100)
  })
})
