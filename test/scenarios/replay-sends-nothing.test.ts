import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { lanes } from '#domain/notification/events.ts'
import { openService, type Service, type World } from '../support/open-service.ts'
import { addPerson, request, toPhone } from '../support/people.ts'

const sentBy = ({ apns, fcm, twilio, sendgrid }: World): number =>
  [apns, fcm, twilio, sendgrid].reduce((sum, { sent }) => sum + sent.length, 0)

/** Delivered, accepted, failed, unknown, suppressed, cancelled. */
const live = async (service: Service): Promise<void> => {
  const { apns, twilio } = service.world
  await addPerson(service, { devices: { phone: 'ios', old: 'android' } })
  await service.send(request({ channels: ['push'] }))
  apns.answerOnce({ is: 'permanent', code: 'PayloadTooLarge', reason: 'Too large.' })
  await service.send(request({ channels: ['push'] }))
  await service.send(request({ to: { userId: 'nobody' } }))
  await service.cancel(await service.send(toPhone()))
  await service.send(toPhone())
  const lost = { is: 'ambiguous', code: 'reset', reason: 'The connection broke.' } as const
  await service.advance(2_000)
  twilio.answerOnce(lost, lost, lost)
  await service.send(toPhone())
  await service.advance(300_000)
}

const allHints = async (service: Service) =>
  (await service.streamsOf('notification')).flatMap(([stream]) =>
    lanes.map((lane) => ({
      lane,
      priority: 'normal' as const,
      notificationId: stream.slice('notification-'.length),
    })),
  )

describe('replaying the log', () => {
  test('into empty read models sends nothing, however often', async () => {
    await using before = await openService()
    await live(before)
    const sends = sentBy(before.world)
    const statuses = await before.statuses()
    await before.crash()
    for (let times = 0; times < 3; times += 1) {
      const world = { ...before.world, documents: createMemoryDocumentStore() }
      await using service = await openService({ world })
      await service.advance(35_000)
      expect(await service.statuses()).toEqual(statuses)
    }
    expect(sentBy(before.world)).toBe(sends)
  })

  test('through the relay from its very beginning sends nothing', async () => {
    await using before = await openService()
    await live(before)
    const sends = sentBy(before.world)
    await before.crash()
    await before.world.documents.drop({ name: 'checkpoints', version: 1, indexes: [] })
    const [first] = (await before.world.events.readAll({ limit: 1 })).events
    const { logId } = before.world.events
    const body = { logId, position: first!.position, eventId: first!.id }
    await before.world.documents.write({ name: 'checkpoints', version: 1, indexes: [] }, [
      { do: 'insert', document: { id: 'relay', version: 1, body } },
    ])
    await using service = await openService({ world: before.world })
    await service.advance(35_000)
    expect(sentBy(service.world)).toBe(sends)
  })

  test('and every hint there could be sends nothing', async () => {
    await using service = await openService()
    await live(service)
    const sends = sentBy(service.world)
    const statuses = await service.statuses()
    service.faults.hints = 'come-twice'
    await service.queue.publish(await allHints(service))
    await service.advance(35_000)
    expect(sentBy(service.world)).toBe(sends)
    expect(await service.statuses()).toEqual(statuses)
  })
})
