import { describe, expect, test } from 'vitest'
import { Unavailable } from '#ports/errors.ts'
import type { NewEvent } from '#ports/event-store.ts'
import { app, openService } from '../support/open-service.ts'
import { addPerson, optOut, request, toPhone } from '../support/people.ts'

const has = (news: readonly NewEvent[], type: string) =>
  news.some((event) => event.type === `Notification${type}`)

describe('while the log does not answer', () => {
  test('a request is not accepted, and nothing of it is left', async () => {
    await using service = await openService()
    await addPerson(service)
    service.faults.append = () => 'refuse'
    const asked = request()
    await expect(service.send(asked)).rejects.toThrow(Unavailable)
    service.faults.append = () => undefined
    await service.advance(60_000)
    expect((await service.statuses()).size).toBe(0)

    const { answer, replayed } = await service.accept(asked)
    expect(replayed).toBe(false)
    await service.quiet()
    expect(await service.statusOf(answer.id)).toBe('delivered')
  })

  test('a request that was written all the same is there once, and gets its first answer', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    const asked = request()
    service.faults.append = (_, news) => (has(news, 'Requested') ? 'unknown' : undefined)
    await expect(service.send(asked)).rejects.toThrow(Unavailable)
    service.faults.append = () => undefined
    const { answer, replayed } = await service.accept(asked)
    expect(replayed).toBe(true)
    await service.quiet()
    expect(await service.statusOf(answer.id)).toBe('delivered')
    expect(apns.sent).toHaveLength(1)
  })

  test('an outcome is told again with the same ids until it stands', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    const tried: string[] = []
    service.faults.append = (_, news) => {
      if (!has(news, 'Delivered')) return undefined
      tried.push(news[0]!.id)
      return tried.length < 8 ? 'refuse' : undefined
    }
    const id = await service.send(request({ channels: ['push'] }))
    await service.quiet()
    expect(tried).toHaveLength(8)
    expect(new Set(tried).size).toBe(1)
    expect(await service.typesOf(id)).toEqual(['Requested', 'Routed', 'Dispatched', 'Delivered'])
    expect(apns.sent).toHaveLength(1)
  })

  test('an outcome whose write was not answered stands once', async () => {
    await using service = await openService()
    await addPerson(service)
    let times = 0
    service.faults.append = (_, news) => {
      if (!has(news, 'Delivered')) return undefined
      times += 1
      return times < 4 ? 'unknown' : undefined
    }
    const id = await service.send(request({ channels: ['push'] }))
    await service.quiet()
    expect(await service.typesOf(id)).toEqual(['Requested', 'Routed', 'Dispatched', 'Delivered'])
  })

  test('a fence whose write was answered late is not followed by a late message', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    let times = 0
    service.faults.append = (_, news) => {
      if (!has(news, 'Dispatched')) return undefined
      times += 1
      return times === 1 ? 2_500 : undefined
    }
    const id = await service.send(request({ channels: ['push'] }))
    await service.quiet()
    expect(await service.typesOf(id)).toEqual([
      ...['Requested', 'Routed', 'Dispatched', 'Failed', 'Dispatched', 'Delivered'],
    ])
    expect((await service.eventsOf(id))[3]!.data).toMatchObject({
      outcome: 'retry',
      code: 'fence-too-old',
    })
    expect(apns.sent.map((each) => each.attempt)).toEqual([2])
  })

  test('an outcome is not forgotten when the stream can be neither written nor read', async () => {
    await using service = await openService()
    const { apns } = service.world
    await addPerson(service)
    const answered = Promise.withResolvers<{ is: 'delivered' }>()
    apns.answerOnce(() => answered.promise)
    const id = await service.send(request({ channels: ['push'] }))
    await service.until(() => apns.sent.length === 1)
    // The cancel makes the outcome meet a conflict, so that the stream has to be read again.
    await service.cancel(id)
    service.faults.read = () => 'refuse'
    answered.resolve({ is: 'delivered' })
    await service.advance(3_000)
    service.faults.read = () => undefined
    await service.leap(60_000)
    await service.quiet()
    expect(await service.typesOf(id)).toEqual([
      ...['Requested', 'Routed', 'Dispatched', 'Cancelled', 'Delivered'],
    ])
    expect(apns.sent).toHaveLength(1)
  })

  test('a dead device is removed when it answers again, before the outcome stands', async () => {
    await using service = await openService()
    const { apns, clock } = service.world
    await addPerson(service)
    apns.answerOnce(async () => {
      service.faults.read = (stream) => (stream.startsWith('recipient-') ? 'refuse' : undefined)
      const evidence = { timestamp: new Date(clock.now() + 1).toISOString() }
      return { is: 'endpoint-invalid', code: 'Unregistered', reason: 'Gone.', evidence }
    })
    const id = await service.send(request({ channels: ['push'] }))
    await service.advance(3_000)
    expect(await service.statusOf(id)).toBe('dispatched')
    service.faults.read = () => undefined
    await service.quiet()
    expect(await service.statusOf(id)).toBe('failed')
    expect((await service.recipients.load(app, 'mina'))?.devices).toEqual([])
    expect(apns.sent).toHaveLength(1)
  })

  test('who waits for an answer is told so after five seconds', async () => {
    await using service = await openService()
    await addPerson(service)
    service.faults.append = () => 'refuse'
    let failure: unknown
    const asked = optOut(service).catch((error: unknown) => {
      failure = error
    })
    await service.advance(4_000)
    expect(failure).toBeUndefined()
    await service.advance(8_000)
    await asked
    expect(failure).toBeInstanceOf(Unavailable)
  })

  test('a receipt is refused, so that its provider tells it again', async () => {
    await using service = await openService()
    const { twilio } = service.world
    const id = await service.send(toPhone())
    await service.quiet(10_000, { accepted: true })
    service.faults.append = () => 'refuse'
    let failure: unknown
    const told = service.receipt(twilio.sent[0]!, { is: 'delivered' }).catch((error: unknown) => {
      failure = error
    })
    await service.advance(12_000)
    await told
    expect(failure).toBeInstanceOf(Unavailable)
    service.faults.append = () => undefined
    await service.receipt(twilio.sent[0]!, { is: 'delivered' })
    expect(await service.statusOf(id)).toBe('delivered')
  })

  test('nothing is lost and nothing sent twice, however often it fails', async () => {
    await using service = await openService()
    const { apns, random } = service.world
    await addPerson(service)
    const ids = await Promise.all(
      Array.from({ length: 100 }, () => service.send(request({ channels: ['push'] }))),
    )
    service.faults.append = () => {
      const drawn = random.fraction()
      return drawn < 0.2 ? 'refuse' : drawn < 0.4 ? 'unknown' : undefined
    }
    service.faults.read = () => (random.fraction() < 0.1 ? 'refuse' : undefined)
    await service.quiet(10 * 60_000)
    expect([...(await service.statuses()).values()]).toEqual(ids.map(() => 'delivered'))
    let ambiguous = 0
    for (const id of ids) {
      for (const { data } of await service.eventsOf(id)) {
        if (data.outcome === 'ambiguous') ambiguous += 1
      }
    }
    expect(ambiguous).toBe(0)
    expect(apns.sent).toHaveLength(100)
  })
})
