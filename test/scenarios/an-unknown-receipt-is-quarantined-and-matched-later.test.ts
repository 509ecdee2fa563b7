import { describe, expect, test } from 'vitest'
import type { Receipt } from '#ports/channel.ts'
import { app, openService, type Service } from '../support/open-service.ts'
import { toPhone } from '../support/people.ts'

const hour = 3_600_000

const receipt = (providerMessageId: string): Receipt => ({
  providerMessageId,
  dedupeKey: `${providerMessageId} delivered`,
  outcome: { is: 'delivered' },
})

const callbackTypes = async (service: Service) =>
  (await service.streamsOf('callbacks')).flatMap(([, facts]) =>
    facts.map((event) => event.type.slice('Callback'.length)),
  )

describe('a receipt that belongs to nothing known', () => {
  test('is kept, and matched by its message id when that comes to be known', async () => {
    await using service = await openService()
    const { twilio } = service.world
    await service.reactions.receipts.take(app, 'twilio', [receipt('SM1')])
    await service.advance(20_000)
    expect(await callbackTypes(service)).toEqual(['Quarantined'])

    twilio.answerOnce({ is: 'accepted', providerMessageId: 'SM1' })
    const id = await service.send(toPhone())
    await service.quiet(30_000)
    expect(await service.statusOf(id)).toBe('delivered')
    expect(await callbackTypes(service)).toEqual(['Quarantined', 'Matched'])
    await service.advance(60_000)
    expect(await callbackTypes(service)).toEqual(['Quarantined', 'Matched'])
  })

  test('is kept once, however often it is told', async () => {
    await using service = await openService()
    const { take } = service.reactions.receipts
    await take(app, 'twilio', [receipt('SM1')])
    await take(app, 'twilio', [receipt('SM1'), receipt('SM1')])
    await Promise.all([1, 2, 3].map(() => take(app, 'twilio', [receipt('SM1')])))
    expect(await callbackTypes(service)).toEqual(['Quarantined'])
  })

  test('is found by the part of its id that the provider had answered', async () => {
    await using service = await openService()
    service.world.twilio.answerOnce({ is: 'accepted', providerMessageId: 'abc' })
    const id = await service.send(toPhone())
    await service.quiet(10_000, { accepted: true })
    await service.reactions.receipts.take(app, 'twilio', [receipt('abc.recvd-1')])
    await service.quiet(20_000)
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('is given up after three days', async () => {
    await using service = await openService()
    await service.reactions.receipts.take(app, 'twilio', [receipt('SM1')])
    await service.advance(6_000)
    await service.leap(71 * hour)
    await service.advance(6_000)
    expect(await callbackTypes(service)).toEqual(['Quarantined'])
    await service.leap(2 * hour)
    await service.advance(6_000)
    expect(await callbackTypes(service)).toEqual(['Quarantined', 'Expired'])
  })

  test('survives a crash', async () => {
    await using before = await openService()
    const { world } = before
    await before.reactions.receipts.take(app, 'twilio', [receipt('SM1')])
    await before.crash()
    await using after = await openService({ world })
    world.twilio.answerOnce({ is: 'accepted', providerMessageId: 'SM1' })
    const id = await after.send(toPhone())
    await after.quiet(30_000)
    expect(await after.statusOf(id)).toBe('delivered')
  })

  test('does not hold up the others that are kept', async () => {
    await using service = await openService()
    const { twilio } = service.world
    const { take } = service.reactions.receipts
    const many = Array.from({ length: 450 }, (_, index) => receipt(`nothing-${index}`))
    await take(app, 'twilio', many)
    await service.advance(10)
    await take(app, 'twilio', [receipt('SM1')])
    await service.advance(10_000)
    twilio.answerOnce({ is: 'accepted', providerMessageId: 'SM1' })
    const id = await service.send(toPhone())
    await service.quiet(60_000)
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('of a notification that cannot be read holds up no other either', async () => {
    await using service = await openService()
    const { twilio, events } = service.world
    const { take } = service.reactions.receipts
    twilio.answerOnce({ is: 'accepted', providerMessageId: 'SM1' })
    const broken = await service.send(toPhone())
    await service.quiet(10_000, { accepted: true })
    const [first] = await service.eventsOf(broken)
    const { id: _id, stream, revision: _r, position: _p, ...event } = first!
    const poison = { ...event, id: service.world.random.uuid(), type: 'NotificationExpired' }
    await events.append(stream, [{ ...poison, data: {} }], { expected: 3 })

    await take(app, 'twilio', [receipt('SM1'), receipt('SM2')])
    twilio.answerOnce({ is: 'accepted', providerMessageId: 'SM2' })
    const id = await service.send(toPhone())
    await service.until(
      async () => (await service.eventsOf(id)).at(-1)?.type === 'NotificationDelivered',
      60_000,
    )
  })
})
