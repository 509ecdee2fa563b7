import { describe, expect, test } from 'vitest'
import { openService, type Service } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

/** The process stands still for so long, once, right after it has sent a fence to the log. */
const pauseAfterFence = (service: Service, ms: number): void => {
  let paused = false
  service.faults.append = (_, news) => {
    if (paused || !news.some((event) => event.type === 'NotificationDispatched')) return undefined
    paused = true
    return ms
  }
}

describe('a process that was paused between fence and first byte', () => {
  test('does not send late: it records a retry', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    pauseAfterFence(service, 2_100)
    const id = await service.send(request({ channels: ['push'] }))
    await service.quiet()
    expect(await service.typesOf(id)).toEqual([
      ...['Requested', 'Routed', 'Dispatched', 'Failed', 'Dispatched', 'Delivered'],
    ])
    expect((await service.eventsOf(id))[3]!.data).toMatchObject({
      attempt: 1,
      outcome: 'retry',
      code: 'fence-too-old',
    })
    expect(apns.sent.map((each) => each.attempt)).toEqual([2])
  })

  test('sends when the pause was short', async () => {
    await using service = await openService()
    await addPerson(service)
    pauseAfterFence(service, 1_900)
    const id = await service.send(request({ channels: ['push'] }))
    await service.quiet()
    expect(await service.typesOf(id)).toEqual(['Requested', 'Routed', 'Dispatched', 'Delivered'])
  })

  test('reads the recipient again when that took more than a second', async () => {
    await using service = await openService()
    await addPerson(service)
    let fenced = false
    let reads = 0
    service.faults.append = (_, news) => {
      const isFence = news.some((event) => event.type === 'NotificationDispatched')
      fenced ||= isFence
      // Longer than what was read before the fence will do.
      return isFence ? 300 : undefined
    }
    service.faults.read = (stream) => {
      if (!fenced || !stream.startsWith('recipient-')) return undefined
      reads += 1
      return reads === 1 ? 1_100 : undefined
    }
    const id = await service.send(request({ channels: ['push'] }))
    await service.quiet()
    expect(reads).toBe(2)
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('keeps back what waited too long for a connection', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    let slow = true
    apns.beforeFirstByte = async () => {
      if (slow) await clock.sleep(3_000)
      slow = false
    }
    const id = await service.send(request({ channels: ['push'] }))
    await service.quiet()
    expect((await service.eventsOf(id))[3]!.data).toMatchObject({ outcome: 'retry' })
    expect(apns.sent.map((each) => each.attempt)).toEqual([2])
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('does not take that for the fault of the provider', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    let slow = true
    apns.beforeFirstByte = async () => {
      if (slow) await clock.sleep(1_200)
    }
    for (let made = 0; made < 40; made += 1) await service.send(request({ channels: ['push'] }))
    await service.advance(1_500)
    slow = false
    expect(service.reactions.credentials.isPaused('apns')).toBe(false)
    await service.quiet()
    expect(apns.sent).toHaveLength(40)
  })
})

describe('a process whose wall clock jumps', () => {
  test('forwards between fence and first byte sends all the same: the fence is young', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    apns.beforeFirstByte = async () => clock.jump(60_000)
    const id = await service.send(request({ channels: ['push'] }))
    await service.quiet()
    expect(await service.statusOf(id)).toBe('delivered')
    expect(apns.sent).toHaveLength(1)
  })
})
