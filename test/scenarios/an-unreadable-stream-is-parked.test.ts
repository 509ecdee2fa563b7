import { describe, expect, test } from 'vitest'
import {
  type NotificationDocument,
  notificationsProjection,
} from '#projections/notifications/notifications.ts'
import { openService, type Service } from '../support/open-service.ts'
import { addPerson, request, toPhone } from '../support/people.ts'
import { inCluster } from '../support/test-mode.ts'

/** An event that this version knows by name and cannot fold. */
const poison = async (service: Service, id: string, type = 'NotificationRouted'): Promise<void> => {
  const facts = await service.eventsOf(id)
  const { stream, revision, metadata } = facts.at(-1)!
  const event = { id: service.world.random.uuid(), type, schemaVersion: 1, data: {}, metadata }
  await service.world.events.append(stream, [event], { expected: revision })
}

const documentOf = async (service: Service, id: string): Promise<NotificationDocument> => {
  const collection = await service.core.readModels.active(notificationsProjection as never)
  const found = (await service.world.documents.load(collection, [id])).get(id)
  return found!.body as NotificationDocument
}

const typesOf = async (service: Service, id: string) =>
  (await service.eventsOf(id)).map((event) => event.type.slice('Notification'.length))

describe('a stream that cannot be read', () => {
  test('is parked for a person, and the others go on', async () => {
    await using service = await openService({ asleep: true })
    await addPerson(service)
    const before = await service.send(request({ channels: ['push'] }))
    const broken = await service.send(request({ channels: ['push'] }))
    const after = await service.send(request({ channels: ['push'] }))
    await poison(service, broken)
    await service.start()
    // The first relay of a cluster begins at the head; what is older the agenda tells after half a minute.
    await service.advance(inCluster ? 40_000 : 5_000)
    expect(await typesOf(service, broken)).toEqual(['Requested', 'Routed', 'Parked'])
    expect((await service.eventsOf(broken)).at(-1)).toMatchObject({
      data: { deliveries: [], reason: 'unreadable' },
      metadata: { app: 'shop', actor: 'system:guard' },
    })
    expect(await service.statusOf(before)).toBe('delivered')
    expect(await service.statusOf(after)).toBe('delivered')
    expect(service.fatal).toBeUndefined()
  })

  test('is parked once, whatever hints come and however often the service starts', async () => {
    await using first = await openService({ asleep: true })
    const { world } = first
    await addPerson(first)
    const id = await first.send(request({ channels: ['push'] }))
    await poison(first, id)
    await first.start()
    await first.advance(60_000)
    await first.crash()
    await using second = await openService({ world })
    const items = (['route', 'push', 'sms'] as const).map((lane) => ({
      lane,
      priority: 'normal' as const,
      notificationId: id,
    }))
    await second.queue.publish(items)
    await second.advance(60_000)
    expect(await typesOf(second, id)).toEqual(['Requested', 'Routed', 'Parked'])
  })

  test('has a stale document that says why', async () => {
    await using service = await openService()
    const id = await service.send(toPhone())
    await service.quiet(10_000, { accepted: true })
    await service.advance(500)
    await poison(service, id, 'NotificationExpired')
    await service.advance(200)
    expect(await documentOf(service, id)).toMatchObject({ staleRevision: 4, app: 'shop' })
    expect((await documentOf(service, id)).stale).toMatch(/TypeError/)
    await service.advance(5_000)
    expect(await documentOf(service, id)).toMatchObject({ status: 'parked', due: {} })
    expect(await typesOf(service, id)).toEqual([
      ...['Requested', 'Routed', 'Dispatched', 'Accepted', 'Expired', 'Parked'],
    ])
  })

  test('does not swallow a receipt: it is kept for later', async () => {
    await using service = await openService()
    const { twilio } = service.world
    const id = await service.send(toPhone())
    await service.quiet(10_000, { accepted: true })
    await poison(service, id, 'NotificationExpired')
    await service.receipt(twilio.sent[0]!, { is: 'delivered' })
    const kept = await service.streamsOf('callbacks')
    expect(kept.map(([, facts]) => facts.length)).toEqual([1])
  })
})
