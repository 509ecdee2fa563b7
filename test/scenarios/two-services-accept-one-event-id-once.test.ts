import { describe, expect, test } from 'vitest'
import type { NotificationRequest } from '#handlers/accept.ts'
import { actor, app, createWorld, openService } from '../support/open-service.ts'
import { request, toPhone } from '../support/people.ts'

const eventIds = Array.from({ length: 1_000 }, (_, index) => `event:${index}`)
const settled = (asked: readonly Promise<unknown>[]) => Promise.allSettled(asked)
const fulfilled = (each: PromiseSettledResult<unknown>) => each.status === 'fulfilled'

describe('two services', () => {
  test('accept one event id once, and give both callers the first answer', async () => {
    const world = createWorld()
    await using left = await openService({ world, asleep: true })
    await using right = await openService({ world, asleep: true })
    const answers = await Promise.all(
      eventIds.flatMap((eventId) => [
        left.accept(toPhone({ eventId })),
        right.accept(toPhone({ eventId })),
        right.accept(toPhone({ eventId })),
      ]),
    )
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1_000)
    const told = Map.groupBy(answers, ({ answer }) => answer.eventId)
    for (const same of told.values()) {
      expect(new Set(same.map(({ answer }) => JSON.stringify(answer))).size).toBe(1)
    }
    expect((await left.statuses()).size).toBe(1_000)
  })

  test('accept one of two different bodies, and refuse the other for ever', async () => {
    const world = createWorld()
    await using left = await openService({ world, asleep: true })
    await using right = await openService({ world, asleep: true })
    const one = (eventId: string) => toPhone({ eventId })
    const other = (eventId: string) => toPhone({ eventId, priority: 'urgent' })
    const byLeft = await settled(eventIds.map((eventId) => left.accept(one(eventId))))
    const first = await settled(
      eventIds.flatMap((eventId) => [right.accept(other(eventId)), left.accept(other(eventId))]),
    )
    expect(byLeft.every(fulfilled)).toBe(true)
    expect(first.some(fulfilled)).toBe(false)

    const ids = eventIds.map((eventId) => `at-once-${eventId}`)
    const both = await Promise.all(
      ids.map((eventId) => settled([left.accept(one(eventId)), right.accept(other(eventId))])),
    )
    expect(both.every((pair) => pair.filter(fulfilled).length === 1)).toBe(true)
    const again = await Promise.all(
      ids.map((eventId) => settled([left.accept(one(eventId)), right.accept(other(eventId))])),
    )
    expect(again.map((pair) => pair.map(fulfilled))).toEqual(
      both.map((pair) => pair.map(fulfilled)),
    )
    const refusal = again[0]!.find((each) => each.status === 'rejected')
    expect(refusal?.reason).toMatchObject({ code: 'event-id/reused', pointer: '/eventId' })
  })

  test('never take one Unicode text for another', async () => {
    await using service = await openService({ asleep: true })
    const alike = [
      '\u00e9',
      'e\u0301',
      '\u212a',
      'K',
      '\ufb01',
      'fi',
      'a',
      'a ',
      ' a',
      'a\u200b',
      '\u0001',
      'a\n',
    ]
    for (const eventId of alike) await service.send(toPhone({ eventId }))
    expect((await service.statuses()).size).toBe(alike.length)
  })

  test('keep the ids of two apps apart', async () => {
    await using service = await openService({ asleep: true })
    const first = await service.accept(toPhone({ eventId: 'same' }), 'shop')
    const second = await service.accept(toPhone({ eventId: 'same' }), 'bank')
    expect(second.replayed).toBe(false)
    expect(second.answer.id).not.toBe(first.answer.id)
  })
})

describe('the first answer', () => {
  const publish = (service: Awaited<ReturnType<typeof openService>>, body: string) =>
    service.templates.publish(
      app,
      'greeting',
      { defaultLocale: 'en', contents: { en: { sms: { body } } }, noResend: false },
      actor,
    )
  const { content: _content, ...bare } = toPhone()
  const asked: NotificationRequest = {
    ...bare,
    eventId: 'kept',
    template: { name: 'greeting' },
    data: {},
  }

  test('is given again after the template asks for more than the request has', async () => {
    await using service = await openService()
    await publish(service, 'Hello')
    const { answer: first } = await service.accept(asked)
    await publish(service, 'Hello {{name}}')
    const again = await service.accept(asked)
    expect(again).toEqual({ answer: first, replayed: true })
    await expect(service.accept({ ...asked, eventId: 'new' })).rejects.toMatchObject({
      code: 'notification/data-missing',
      pointer: '/data/name',
    })
  })

  test('is given again after the notification was delivered', async () => {
    await using service = await openService()
    await publish(service, 'Hello')
    const { answer: first } = await service.accept(asked)
    await service.quiet(10_000, { accepted: true })
    expect(await service.accept(asked)).toEqual({ answer: first, replayed: true })
  })

  test('is refused to another body even when that body is wrong in itself', async () => {
    await using service = await openService()
    await publish(service, 'Hello')
    await service.accept(asked)
    const wrong = { ...asked, template: { name: 'nobody-knows' } }
    await expect(service.accept(wrong)).rejects.toMatchObject({ code: 'event-id/reused' })
  })

  test('does not depend on the order of the fields of the body', async () => {
    await using service = await openService({ asleep: true })
    const body = request({ eventId: 'order', data: { a: 1, b: { c: 2, d: 3 } } })
    await service.accept(body)
    const turned = Object.fromEntries(Object.entries(body).reverse()) as typeof body
    const again = await service.accept({ ...turned, data: { b: { d: 3, c: 2 }, a: 1 } })
    expect(again.replayed).toBe(true)
  })
})
