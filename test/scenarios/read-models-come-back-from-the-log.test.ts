import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import type { StoredDocument } from '#ports/document-store.ts'
import { allProjections } from '#projections/all.ts'
import { actor, app, openService, type Service, type World } from '../support/open-service.ts'
import { addPerson, request, toPhone } from '../support/people.ts'

type Documents = Readonly<Record<string, readonly StoredDocument[]>>

const readModels = async (service: Service): Promise<Documents> => {
  const found: Record<string, readonly StoredDocument[]> = {}
  for (const projection of allProjections) {
    const collection = await service.core.readModels.active(projection)
    found[projection.name] = await service.world.documents.scan(collection, { limit: 1_000 })
  }
  return found
}

/** Notifications in as many states as there are. */
const live = async (service: Service): Promise<void> => {
  const { apns, twilio, sendgrid, clock } = service.world
  await addPerson(service, { devices: { phone: 'ios', old: 'android' }, email: 'mina@example.org' })
  await addPerson(service, { userId: 'noa', preferences: { receive: false } })
  await service.core.apps.issueKey(app, ['send'], actor)
  const contents = { en: { push: { body: 'Hello {{name}}' } } }
  const draft = { defaultLocale: 'en', contents, noResend: false }
  await service.templates.publish(app, 'hello', draft, actor)
  const { content: _content, ...bare } = request({ data: { name: 'Mina' } })
  await service.send({ ...bare, template: { name: 'hello' } })
  apns.answerOnce({ is: 'endpoint-invalid', code: 'BadDeviceToken', reason: 'Not a token.' })
  await service.send(request())
  await service.send(request({ to: { userId: 'noa' } }))
  await service.send(request({ to: { userId: 'nobody' } }))
  await service.send(request({ sendAt: new Date(clock.now() + 3_600_000).toISOString() }))
  await service.cancel(await service.send(toPhone()))
  twilio.answerOnce({ is: 'ambiguous', code: 'reset', reason: 'The connection broke.' })
  await service.send(toPhone())
  await service.advance(30_000)
  await service.receipt(twilio.sent.at(-1)!, { is: 'delivered' })
  await service.receipt(sendgrid.sent[0]!, { is: 'complaint', code: 'spam', reason: 'Spam.' })
  const unknown = { dedupeKey: 'x', providerMessageId: 'x', outcome: { is: 'delivered' } } as const
  await service.reactions.receipts.take(app, 'twilio', [unknown])
  await service.advance(10_000)
}

const sentBy = ({ apns, fcm, twilio, sendgrid }: World): number =>
  [apns, fcm, twilio, sendgrid].reduce((sum, { sent }) => sum + sent.length, 0)

describe('read models that were thrown away', () => {
  test('come back from the log, equal to what they were; nothing is sent again', async () => {
    await using before = await openService()
    await live(before)
    const documents = await readModels(before)
    for (const [name, found] of Object.entries(documents)) {
      expect([name, found.length]).not.toEqual([name, 0])
    }
    const sends = sentBy(before.world)
    await before.crash()

    const world = { ...before.world, documents: createMemoryDocumentStore() }
    await using after = await openService({ world })
    await after.advance(60_000)
    expect(await readModels(after)).toEqual(documents)
    expect(sentBy(world)).toBe(sends)
  })

  test('come back under a running service as well', async () => {
    await using service = await openService()
    await live(service)
    const documents = await readModels(service)
    const sends = sentBy(service.world)
    for (const projection of allProjections) {
      await service.world.documents.drop(await service.core.readModels.active(projection))
    }
    await service.world.documents.drop({ name: 'checkpoints', version: 1, indexes: [] })
    await service.send(request({ to: { userId: 'nobody' } }))
    await service.advance(40_000)
    const now = await readModels(service)
    expect(now.notifications!.length).toBe(documents.notifications!.length + 1)
    expect({ ...now, notifications: [] }).toEqual({ ...documents, notifications: [] })
    expect(now.notifications).toEqual(expect.arrayContaining([...documents.notifications!]))
    expect(sentBy(service.world)).toBe(sends)
  })

  test('have the agenda again: what was due is done', async () => {
    await using before = await openService()
    await addPerson(before)
    const sendAt = new Date(before.world.clock.now() + 3_600_000).toISOString()
    const id = await before.send(request({ sendAt }))
    await before.advance(1_000)
    await before.crash()
    const world = { ...before.world, documents: createMemoryDocumentStore() }
    await using after = await openService({ world })
    await after.advance(1_000)
    await after.leap(3_600_000)
    expect(await after.statusOf(id)).toBe('delivered')
  })

  test('are not taken over from another log', async () => {
    await using other = await openService()
    await live(other)
    await other.crash()
    await using own = await openService()
    await addPerson(own)
    const id = await own.send(request())
    await own.advance(3_000)
    await own.crash()
    const world = { ...own.world, documents: other.world.documents }
    await using service = await openService({ world })
    await service.advance(5_000)
    const { notifications } = await readModels(service)
    expect(notifications!.map((document) => document.id)).toEqual([id])
    expect(service.lines.map((line) => line.message)).toContain(
      'A checkpoint does not fit this log and is not used.',
    )
  })
})
