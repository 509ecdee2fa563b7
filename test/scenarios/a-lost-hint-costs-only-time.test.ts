import { describe, expect, test } from 'vitest'
import { openService } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

describe('a lost hint', () => {
  test('costs half a minute at most', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    service.faults.hints = 'get-lost'
    const start = clock.now()
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(10_000)
    expect(await service.typesOf(id)).toEqual(['Requested'])
    service.faults.hints = 'arrive'
    await service.quiet()
    expect(await service.statusOf(id)).toBe('delivered')
    expect(apns.sent[0]!.at - start).toBeLessThan(35_000)
  })

  test('of the second lane costs no more', async () => {
    await using service = await openService()
    await addPerson(service)
    // What was open at the start has been told.
    await service.advance(500)
    const publish = service.queue.publish
    let lost = 0
    Object.assign(service.queue, {
      publish: async (items: Parameters<typeof publish>[0]) => {
        const kept = items.filter(({ lane }) => lane !== 'push' || lost > 0)
        lost += items.length - kept.length
        return publish(kept)
      },
    })
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(10_000)
    expect([lost, await service.statusOf(id)]).toEqual([1, 'routed'])
    await service.quiet(40_000)
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('is told again and again while it gets lost', async () => {
    await using service = await openService()
    await addPerson(service)
    service.faults.hints = 'get-lost'
    const ids = await Promise.all([1, 2, 3].map(() => service.send(request())))
    await service.advance(90_000)
    expect([...(await service.statuses()).values()]).toEqual(ids.map(() => 'requested'))
    service.faults.hints = 'arrive'
    await service.quiet(60_000)
    expect([...(await service.statuses()).values()]).toEqual(ids.map(() => 'delivered'))
  })

  test('of a crashed process is told again at once when the next one starts', async () => {
    await using before = await openService()
    const { world } = before
    await addPerson(before)
    before.faults.hints = 'get-lost'
    const id = await before.send(request())
    await before.advance(1_000)
    await before.crash()
    await using after = await openService({ world })
    await after.advance(1_000)
    expect(await after.statusOf(id)).toBe('delivered')
  })
})

describe('a hint that comes twice', () => {
  test('costs a read: nothing is sent twice', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    service.faults.hints = 'come-twice'
    const ids = await Promise.all(Array.from({ length: 50 }, () => service.send(request())))
    await service.quiet()
    for (const id of ids) {
      expect(await service.typesOf(id)).toEqual(['Requested', 'Routed', 'Dispatched', 'Delivered'])
    }
    expect(apns.sent).toHaveLength(50)
  })
})
