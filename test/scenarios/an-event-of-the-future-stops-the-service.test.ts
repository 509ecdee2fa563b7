import { describe, expect, test } from 'vitest'
import { UnknownEvent } from '#domain/recorded-fact.ts'
import { app, openService, type Service } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

const append = async (
  service: Service,
  stream: string,
  event: { readonly type: string; readonly schemaVersion?: number },
): Promise<void> => {
  const facts = await service.world.events.read(stream)
  const { metadata, revision } = facts.at(-1)!
  const id = service.world.random.uuid()
  await service.world.events.append(
    stream,
    [{ id, schemaVersion: 1, data: {}, metadata, ...event }],
    { expected: revision },
  )
}

describe('an event that only a newer version knows', () => {
  test.each([
    [{ type: 'NotificationTranslated' }],
    [{ type: 'NotificationRouted', schemaVersion: 2 }],
  ])('stops the service: %o', async (event) => {
    await using service = await openService({ asleep: true })
    await addPerson(service)
    const id = await service.send(request())
    await append(service, `notification-${id}`, event)
    await service.start()
    await service.advance(1_000)
    expect(service.fatal).toBeInstanceOf(UnknownEvent)
    expect((await service.eventsOf(id)).map(({ type }) => type)).toEqual([
      'NotificationRequested',
      event.type,
    ])
    expect(service.world.apns.sent).toHaveLength(0)
  })

  test('of a recipient stops it as well, before anything is sent to him', async () => {
    await using service = await openService()
    await addPerson(service)
    const stream = service.core.aggregates.streamOf.recipient(app, 'mina')
    await append(service, stream, { type: 'RecipientMoved' })
    await service.send(request())
    await service.advance(1_000)
    expect(service.fatal).toBeInstanceOf(UnknownEvent)
    expect(service.world.apns.sent).toHaveLength(0)
  })

  test('is not skipped by the next start', async () => {
    await using before = await openService({ asleep: true })
    await addPerson(before)
    const id = await before.send(request())
    await append(before, `notification-${id}`, { type: 'NotificationTranslated' })
    await before.start()
    await before.advance(2_000)
    await before.crash()
    await using after = await openService({ world: before.world })
    await after.advance(2_000)
    expect(after.fatal).toBeInstanceOf(UnknownEvent)
  })

  test('of a kind of stream that is not ours is left alone', async () => {
    await using service = await openService()
    await addPerson(service)
    const first = (await service.eventsOf(await service.send(request())))[0]!
    const { metadata } = first
    const event = { id: service.world.random.uuid(), type: 'BroadcastRequested', schemaVersion: 7 }
    await service.world.events.append('broadcast-1', [{ ...event, data: {}, metadata }], {
      expected: 'no-stream',
    })
    const id = await service.send(request())
    await service.quiet()
    expect(service.fatal).toBeUndefined()
    expect(await service.statusOf(id)).toBe('delivered')
  })
})
