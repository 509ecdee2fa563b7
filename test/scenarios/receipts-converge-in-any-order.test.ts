import { describe, expect, test } from 'vitest'
import { app, openService, type Service } from '../support/open-service.ts'
import { request, toPhone } from '../support/people.ts'

const hour = 3_600_000
const delivered = { is: 'delivered' } as const
const dead = { is: 'endpoint-invalid', code: '30005', reason: 'Unknown destination.' } as const
const failed = { is: 'permanent', code: '30008', reason: 'Unknown error.' } as const

const sendOne = async (service: Service) => {
  const id = await service.send(toPhone())
  await service.until(async () => (await service.statusOf(id)) === 'accepted')
  return { id, sent: service.world.twilio.sent.at(-1)! }
}

describe('a receipt', () => {
  test('makes what was accepted delivered', async () => {
    await using service = await openService()
    const { id, sent } = await sendOne(service)
    await service.receipt(sent, delivered, { providerMessageId: 'twilio-1' })
    expect((await service.typesOf(id)).slice(2)).toEqual(['Dispatched', 'Accepted', 'Delivered'])
    expect((await service.eventsOf(id)).at(-1)).toMatchObject({
      data: { deliveryId: 'd1', attempt: 1, evidence: 'receipt' },
      metadata: { actor: 'provider:twilio' },
    })
  })

  test('may come before the answer to the attempt', async () => {
    await using service = await openService()
    service.world.twilio.answerOnce(async (sent) => {
      await service.receipt(sent, delivered)
      return { is: 'accepted', providerMessageId: 'SM1' }
    })
    const id = await service.send(toPhone())
    await service.quiet()
    expect(await service.statusOf(id)).toBe('delivered')
    expect(await service.typesOf(id)).toEqual(['Requested', 'Routed', 'Dispatched', 'Delivered'])
  })

  test('told again changes nothing', async () => {
    await using service = await openService()
    const { id, sent } = await sendOne(service)
    for (let times = 0; times < 5; times += 1) await service.receipt(sent, delivered)
    await Promise.all(Array.from({ length: 10 }, () => service.receipt(sent, delivered)))
    expect(await service.typesOf(id)).toEqual([
      ...['Requested', 'Routed', 'Dispatched', 'Accepted', 'Delivered'],
    ])
  })

  test('of progress changes nothing', async () => {
    await using service = await openService()
    const { id, sent } = await sendOne(service)
    await service.receipt(sent, { is: 'progress', code: 'queued' })
    expect(await service.statusOf(id)).toBe('accepted')
    expect(await service.streamsOf('callbacks')).toEqual([])
  })

  test('that never comes makes it unconfirmed; a late one still counts', async () => {
    await using service = await openService()
    const { id, sent } = await sendOne(service)
    await service.leap(9 * hour)
    expect(await service.statusOf(id)).toBe('accepted')
    await service.leap(hour)
    expect(await service.statusOf(id)).toBe('unconfirmed')
    await service.leap(100 * hour)
    expect(service.world.twilio.sent).toHaveLength(1)
    await service.receipt(sent, delivered)
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('of a dead number suppresses the address', async () => {
    await using service = await openService()
    const { id, sent } = await sendOne(service)
    await service.receipt(sent, dead)
    expect(await service.statusOf(id)).toBe('failed')
    const next = await service.send(toPhone())
    await service.quiet()
    expect(await service.statusOf(next)).toBe('suppressed')
    expect((await service.notification(next)).passedOver[0]).toMatchObject({
      rule: 'address.endpoint-invalid',
    })
    expect(service.world.twilio.sent).toHaveLength(1)
  })

  test('that says STOP suppresses the address as opted out', async () => {
    await using service = await openService()
    const { sent } = await sendOne(service)
    await service.receipt(sent, { is: 'opted-out', code: '21610', reason: 'STOP' })
    const next = await service.send(toPhone())
    await service.quiet()
    expect((await service.notification(next)).passedOver[0]).toMatchObject({
      rule: 'address.opted-out',
    })
  })

  test('that asks for another try gets one', async () => {
    await using service = await openService()
    const { id, sent } = await sendOne(service)
    await service.receipt(sent, { is: 'retry', code: '30003', reason: 'Switched off.' })
    await service.until(() => service.world.twilio.sent.length === 2)
    await service.receipt(service.world.twilio.sent[1]!, delivered)
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('of the first attempt counts when the second is under way already', async () => {
    await using service = await openService()
    const { twilio } = service.world
    twilio.answerOnce({ is: 'ambiguous', code: 'reset', reason: 'The connection broke.' })
    const id = await service.send(toPhone())
    await service.advance(60_000)
    await service.until(() => twilio.sent.length === 2)
    await service.receipt(twilio.sent[0]!, delivered)
    expect(await service.statusOf(id)).toBe('delivered')
    await service.receipt(twilio.sent[1]!, failed)
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('of a forged reference or of another provider changes nothing', async () => {
    await using service = await openService()
    const { id, sent } = await sendOne(service)
    const { take } = service.reactions.receipts
    const { ref } = sent.message
    await take(app, 'sendgrid', [{ ref, dedupeKey: 'b', outcome: delivered }])
    const forged = `${ref.slice(0, -1)}${ref.endsWith('A') ? 'B' : 'A'}`
    await take(app, 'twilio', [{ ref: forged, dedupeKey: 'c', outcome: delivered }])
    expect(await service.statusOf(id)).toBe('accepted')
    expect((await service.streamsOf('callbacks')).map(([, facts]) => facts.length)).toEqual([2])
  })

  test('counts through whichever address of ours it came: its reference is signed', async () => {
    await using service = await openService()
    const { id, sent } = await sendOne(service)
    const { ref } = sent.message
    const { take } = service.reactions.receipts
    await take('default', 'twilio', [{ ref, dedupeKey: 'a', outcome: delivered }])
    expect(await service.statusOf(id)).toBe('delivered')
  })
})

describe('receipts in every order', () => {
  const outcomes = [delivered, failed, { is: 'progress', code: 'sent' }, dead] as const
  const orders = (rest: readonly number[]): readonly (readonly number[])[] =>
    rest.length === 0
      ? [[]]
      : rest.flatMap((each) =>
          orders(rest.filter((other) => other !== each)).map((order) => [each, ...order]),
        )

  test('end in the same status', async () => {
    await using service = await openService()
    const { sendgrid } = service.world
    const all = orders([0, 1, 2, 3])
    const ids: string[] = []
    for (const order of all) {
      const to = { email: `u${order.join('')}@example.org` }
      ids.push(await service.send(request({ to })))
    }
    await service.quiet(10_000, { accepted: true })
    for (const [index, order] of all.entries()) {
      const address = `u${order.join('')}@example.org`
      const sent = sendgrid.sent.find(
        ({ message }) => message.to.kind === 'email' && message.to.email === address,
      )!
      for (const each of order) await service.receipt(sent, outcomes[each]!)
      expect(await service.statusOf(ids[index]!)).toBe('delivered')
    }
  })
})
