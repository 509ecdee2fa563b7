import { describe, expect, test } from 'vitest'
import { openService } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

const refused = { is: 'config', code: 'InvalidProviderToken', reason: 'Wrong key.' } as const

describe('refused credentials', () => {
  test('pause the provider, keep the message, and go on by themselves', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answer(() => refused)
    const first = await service.send(request({ channels: ['push'] }))
    await service.advance(1_000)
    const others = [
      await service.send(request({ channels: ['push'] })),
      await service.send(request({ channels: ['push'] })),
    ]
    await service.advance(5_000)
    expect(apns.sent).toHaveLength(1)
    expect(service.reactions.credentials.get('apns')?.circuit.state).toMatchObject({
      is: 'open',
      why: 'InvalidProviderToken',
    })
    expect(await service.statusOf(first)).toBe('retrying')
    for (const id of others) expect(await service.typesOf(id)).toEqual(['Requested', 'Routed'])

    apns.answer(() => ({ is: 'delivered' }))
    await service.quiet(120_000)
    expect([...(await service.statuses()).values()]).toEqual([
      'delivered',
      'delivered',
      'delivered',
    ])
    expect(service.reactions.credentials.isPaused('apns')).toBe(false)
  })

  test('are not the fault of the message: its next failure counts as the first', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answerOnce(refused, refused, refused, { is: 'retry', code: '503', reason: 'busy' })
    const id = await service.send(request({ channels: ['push'] }))
    await service.until(() => apns.sent.length === 4, 600_000)
    await service.advance(10)
    const last = (await service.eventsOf(id)).at(-1)!
    const delayMs = Date.parse(String(last.data.retryAt)) - Date.parse(last.metadata.at)
    expect(delayMs).toBeLessThanOrEqual(1_000)
  })

  test('are tried with one message at a time', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answer(() => refused)
    const count = 30
    await service.send(request({ channels: ['push'] }))
    await service.advance(1_000)
    for (let made = 1; made < count; made += 1) await service.send(request({ channels: ['push'] }))
    await service.advance(300_000)
    // Pauses double from 10 s: about five of them in five minutes.
    expect(apns.sent.length).toBeGreaterThan(2)
    expect(apns.sent.length).toBeLessThan(8)
    apns.answer(() => ({ is: 'delivered' }))
    await service.quiet(600_000)
    expect([...(await service.statuses()).values()].every((each) => each === 'delivered')).toBe(
      true,
    )
  })

  test('of one provider do not hold up another', async () => {
    await using service = await openService()
    const { apns, fcm } = service.world
    await addPerson(service, { devices: { phone: 'ios', old: 'android' } })
    apns.answer(() => refused)
    for (let made = 0; made < 10; made += 1) await service.send(request({ channels: ['push'] }))
    await service.advance(5_000)
    expect(fcm.sent).toHaveLength(10)
  })

  test('do not stay paused when the probe met a log that did not answer', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answerOnce(refused)
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(2_000)
    let refusals = 0
    service.faults.read = (stream) => {
      if (
        refusals >= 3 ||
        service.reactions.credentials.get('apns')?.circuit.state.is !== 'probing'
      )
        return undefined
      if (!stream.startsWith('recipient-')) return undefined
      refusals += 1
      return 'refuse'
    }
    await service.quiet(300_000)
    expect(refusals).toBe(3)
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('do not stay paused when the probe was not to be sent after all', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    await addPerson(service, { userId: 'noa', devices: { other: 'ios' } })
    apns.answerOnce(refused)
    const first = await service.send(request({ channels: ['push'] }))
    await service.advance(2_000)
    const remove = { do: 'remove-device', deviceId: 'phone', reason: 'requested' } as const
    await service.changeRecipient('mina', remove)
    await service.advance(70_000)
    expect(await service.statusOf(first)).toBe('suppressed')
    const second = await service.send(request({ to: { userId: 'noa' }, channels: ['push'] }))
    await service.quiet(60_000)
    expect(await service.statusOf(second)).toBe('delivered')
  })

  test('open the pause again when the probe is refused too', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answer(() => refused)
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(90_000)
    const tries = apns.sent.length
    expect(tries).toBeGreaterThan(1)
    expect(service.reactions.credentials.get('apns')?.circuit.state.is).toBe('open')
    expect(await service.statusOf(id)).toBe('retrying')
  })
})
