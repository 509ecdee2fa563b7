import { describe, expect, test } from 'vitest'
import { actor, app, openService, type Service } from '../support/open-service.ts'
import { addPerson, request, toPhone } from '../support/people.ts'

const minute = 60_000
const lost = { is: 'ambiguous', code: 'reset', reason: 'The connection broke.' } as const

const failures = async (service: Service, id: string) =>
  (await service.eventsOf(id))
    .filter((event) => event.type === 'NotificationFailed')
    .map((event) => event.data)

describe('an unknown fate of a push', () => {
  test('is told, and the push repeated with the same collapse id', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answerOnce(lost, lost, lost, lost)
    const id = await service.send(request({ channels: ['push'] }))
    await service.quiet(5 * minute)
    expect(await service.statusOf(id)).toBe('delivered')
    expect(await failures(service, id)).toMatchObject([
      { attempt: 1, outcome: 'ambiguous', code: 'reset', final: false },
      { attempt: 2, outcome: 'ambiguous' },
      { attempt: 3, outcome: 'ambiguous' },
      { attempt: 4, outcome: 'ambiguous' },
    ])
    expect(new Set(apns.sent.map(({ message }) => message.collapseId)).size).toBe(1)
    expect(new Set(apns.sent.map(({ message }) => message.deliveryUuid)).size).toBe(1)
    expect(new Set(apns.sent.map(({ message }) => message.ref)).size).toBe(5)
  })

  test('is the fate of one that gets no answer before its deadline', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    apns.answerOnce('never')
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(9_000)
    expect(await service.statusOf(id)).toBe('dispatched')
    await service.quiet()
    expect(await failures(service, id)).toMatchObject([
      { outcome: 'ambiguous', code: 'deadline', evidence: 'answer' },
    ])
    expect(apns.sent).toHaveLength(2)
  })
})

describe('an unknown fate of an SMS', () => {
  test('is repeated twice, then a person has to look', async () => {
    await using service = await openService()
    const { twilio } = service.world
    twilio.answer(() => lost)
    const id = await service.send(toPhone())
    await service.quiet(10 * minute)
    expect(await service.statusOf(id)).toBe('parked')
    expect(twilio.sent).toHaveLength(3)
    expect((await failures(service, id)).at(-1)).not.toHaveProperty('retryAt')
    await service.leap(100 * 60 * minute)
    expect(twilio.sent).toHaveLength(3)
  })

  test('counts anew after a redrive', async () => {
    await using service = await openService()
    const { twilio } = service.world
    twilio.answer(() => lost)
    const id = await service.send(toPhone())
    await service.quiet(10 * minute)
    expect(await service.redrive(id)).toEqual({ status: 'routed', redriven: true })
    await service.quiet(10 * minute)
    expect(await service.statusOf(id)).toBe('parked')
    expect(twilio.sent.map((each) => each.attempt)).toEqual([1, 2, 3, 4, 5, 6])
    twilio.answer(() => ({ is: 'accepted', providerMessageId: 'SM1' }))
    await service.redrive(id)
    await service.quiet(10 * minute, { accepted: true })
    expect(await service.statusOf(id)).toBe('accepted')
  })

  test('is settled by a late receipt: nothing is sent any more', async () => {
    await using service = await openService()
    const { twilio } = service.world
    twilio.answer(() => lost)
    const id = await service.send(toPhone())
    await service.until(() => twilio.sent.length === 1)
    await service.receipt(twilio.sent[0]!, { is: 'delivered' })
    await service.leap(10 * minute)
    expect(twilio.sent).toHaveLength(1)
    expect(await service.statusOf(id)).toBe('delivered')
  })
})

describe('a receipt that says the provider has it', () => {
  test('settles an unknown fate: nothing is sent any more', async () => {
    await using service = await openService()
    const { twilio } = service.world
    twilio.answer(() => lost)
    const id = await service.send(toPhone())
    await service.until(() => twilio.sent.length === 1)
    const told = { dedupeKey: 'SM1:sent', providerMessageId: 'SM1' }
    await service.advance(20_000)
    await service.receipt(twilio.sent[0]!, { is: 'accepted', code: 'sent' }, told)
    expect(await service.statusOf(id)).toBe('accepted')
    await service.leap(10 * minute)
    expect(twilio.sent).toHaveLength(1)
    await service.receipt(twilio.sent[0]!, { is: 'delivered' })
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('of a known attempt adds nothing, and an early one keeps the answer out of doubt', async () => {
    await using service = await openService()
    const id = await service.send(toPhone())
    await service.quiet(10_000, { accepted: true })
    const before = await service.eventsOf(id)
    await service.receipt(service.world.twilio.sent[0]!, { is: 'accepted', code: 'queued' })
    expect(await service.eventsOf(id)).toEqual(before)
  })
})

describe('an unknown fate of what must not be sent again', () => {
  const publish = (service: Service) =>
    service.templates.publish(
      app,
      'code',
      { defaultLocale: 'en', contents: { en: { sms: { body: 'Your code' } } }, noResend: true },
      actor,
    )
  const { content: _content, ...bare } = toPhone({ template: { name: 'code' } })

  test('stays unknown, and nothing is repeated', async () => {
    await using service = await openService()
    const { twilio } = service.world
    await publish(service)
    twilio.answerOnce(lost)
    const id = await service.send(bare)
    await service.quiet()
    expect(await service.statusOf(id)).toBe('unknown')
    await service.leap(100 * 60 * minute)
    expect(twilio.sent).toHaveLength(1)
  })

  test('is redriven only by force', async () => {
    await using service = await openService()
    const { twilio } = service.world
    await publish(service)
    twilio.answerOnce(lost)
    const id = await service.send(bare)
    await service.quiet()
    expect(await service.redrive(id)).toEqual({ status: 'unknown', redriven: false })
    expect(await service.redrive(id, true)).toMatchObject({ redriven: true })
    await service.quiet(minute, { accepted: true })
    expect(await service.statusOf(id)).toBe('accepted')
    expect(twilio.sent.map((each) => each.attempt)).toEqual([1, 2])
  })

  test('is sent again all the same when it certainly had not left', async () => {
    await using service = await openService()
    const { twilio } = service.world
    await publish(service)
    twilio.answerOnce({ is: 'retry', code: '503', reason: 'busy' })
    const id = await service.send(bare)
    await service.quiet(minute, { accepted: true })
    expect(await service.statusOf(id)).toBe('accepted')
  })

  test('is not unknown when the log did not answer before the first byte', async () => {
    await using service = await openService()
    const { twilio } = service.world
    await publish(service)
    let fenced = false
    service.faults.append = (_, news) => {
      const isFence = news.some((each) => each.type === 'NotificationDispatched')
      fenced ||= isFence
      // Longer than what was read before the fence will do.
      return isFence ? 300 : undefined
    }
    let refusals = 0
    service.faults.read = (stream) => {
      if (!fenced || refusals > 0 || !stream.startsWith('address-')) return undefined
      refusals += 1
      return 'refuse'
    }
    const id = await service.send(bare)
    await service.quiet(2 * minute, { accepted: true })
    expect(refusals).toBe(1)
    expect(await service.statusOf(id)).toBe('accepted')
    expect(twilio.sent).toHaveLength(1)
  })
})
