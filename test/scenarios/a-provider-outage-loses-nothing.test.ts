import { describe, expect, test } from 'vitest'
import { openService } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

const down = { is: 'retry', code: '503', reason: 'Service unavailable.' } as const
const hour = 3_600_000

describe('an outage of a provider', () => {
  test('opens the circuit, gives work back without events, and drains afterwards', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answer(() => down)
    for (let made = 0; made < 40; made += 1) await service.send(request({ channels: ['push'] }))
    await service.advance(5_000)
    expect(service.reactions.credentials.get('apns')?.circuit.state).toMatchObject({
      is: 'open',
      why: '503',
    })
    const late: string[] = []
    for (let made = 0; made < 100; made += 1) {
      late.push(await service.send(request({ channels: ['push'] })))
    }
    await service.advance(60_000)
    let untouched = 0
    for (const id of late) {
      const types = await service.typesOf(id)
      if (types.join() === 'Requested,Routed') untouched += 1
    }
    expect(untouched).toBeGreaterThan(90)

    apns.answer(() => ({ is: 'delivered' }))
    await service.quiet(20 * 60_000)
    const statuses = [...(await service.statuses()).values()]
    expect(statuses.filter((each) => each === 'delivered')).toHaveLength(140)
  })

  test('lets hardly anything through while it lasts, and all of it within minutes after', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answer(() => down)
    for (let made = 0; made < 100; made += 1) await service.send(request({ channels: ['push'] }))
    await service.advance(10 * 60_000)
    expect(apns.sent.length).toBeLessThan(250)
    apns.answer(() => ({ is: 'delivered' }))
    await service.quiet(15 * 60_000)
    expect((await service.statuses()).size).toBe(100)
  })

  test('does not open the circuit when the provider only asks for patience', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answer(() => ({ ...down, code: '429', afterMs: 5_000 }))
    for (let made = 0; made < 40; made += 1) await service.send(request({ channels: ['push'] }))
    await service.advance(2_000)
    expect(service.reactions.credentials.isPaused('apns')).toBe(false)
    expect(apns.sent).toHaveLength(40)
    apns.answer(() => ({ is: 'delivered' }))
    await service.quiet()
    const [first, again] = [apns.sent.slice(0, 40), apns.sent.slice(40)]
    const asked = first[0]!.at + 5_000
    expect(again).toHaveLength(40)
    expect(again.every(({ at }) => at >= asked)).toBe(true)
  })

  test('is waited for at the pace of its credential afterwards', async () => {
    await using service = await openService({ ratePerSecond: 10 })
    const { apns } = service.world
    await addPerson(service)
    for (let made = 0; made < 60; made += 1) await service.send(request({ channels: ['push'] }))
    await service.quiet()
    for (const [index, { at }] of apns.sent.entries()) {
      const within = apns.sent.slice(index).filter((each) => each.at < at + 1_000)
      expect(within.length).toBeLessThanOrEqual(21)
    }
    expect(apns.sent.at(-1)!.at - apns.sent[0]!.at).toBeLessThan(40_000)
  })

  test('of days parks what it kept, and a redrive sends it', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answer(() => down)
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(5_000)
    await service.leap(72 * hour)
    await service.advance(40_000)
    expect(await service.statusOf(id)).toBe('parked')
    apns.answer(() => ({ is: 'delivered' }))
    await service.redrive(id)
    await service.quiet()
    expect(await service.statusOf(id)).toBe('delivered')
  })
})
