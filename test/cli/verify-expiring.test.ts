import { describe, expect, test } from 'vitest'
import { allProjections } from '#projections/all.ts'
import type { Projection } from '#projections/projection.ts'
import { verify } from '#src/cli/audit/verify.ts'
import { app, openService, type Service } from '../support/open-service.ts'
import { toPhone } from '../support/people.ts'

const dayMs = 24 * 3_600_000
const expiring = allProjections.filter(({ expires }) => expires)

const contentsOf = (service: Service, projection: Projection) =>
  service.core.readModels
    .active(projection)
    .then((collection) => service.world.documents.scan(collection, { limit: 100 }))

const verified = async ({ world }: Service) => {
  const none = { [Symbol.asyncDispose]: async () => {} }
  return verify({ ...none, events: world.events, documents: world.documents, clock: world.clock })
}

/** One delivered notification, and one receipt that belongs to nothing. */
const live = async (service: Service): Promise<void> => {
  const { twilio } = service.world
  twilio.answerOnce({ is: 'accepted', providerMessageId: 'SM1' })
  await service.send(toPhone())
  await service.advance(10_000)
  await service.receipt(twilio.sent[0]!, { is: 'delivered' })
  const unknown = { dedupeKey: 'x', providerMessageId: 'x', outcome: { is: 'delivered' } } as const
  await service.reactions.receipts.take(app, 'twilio', [unknown])
  await service.quiet()
  await service.advance(10_000)
}

/** Of each read model that expires: whether something is in the store, shown or not. */
const held = async (service: Service): Promise<Readonly<Record<string, number>>> => {
  const counts: Record<string, number> = {}
  service.world.clock.jump(-40 * dayMs)
  for (const each of expiring) counts[each.name] = (await contentsOf(service, each)).length
  service.world.clock.jump(40 * dayMs)
  return counts
}

describe('messages and receipts that were kept for thirty days', () => {
  test('go, and verifying is clean before, while they are hidden, and after they went', async () => {
    await using service = await openService()
    await live(service)
    expect(await held(service)).toEqual({ messages: 1, callbacks: 1 })
    const before = await verified(service)
    expect(before).toMatchObject({ clean: true, behind: 0, differences: [] })

    service.world.clock.jump(40 * dayMs)
    expect(await held(service)).toEqual({ messages: 1, callbacks: 1 })
    const hidden = await verified(service)
    expect(hidden).toMatchObject({ clean: true, behind: 0, differences: [] })
    expect(hidden.documents).toBe(before.documents - 2)

    await service.advance(61_000)
    expect(await held(service)).toEqual({ messages: 0, callbacks: 0 })
    expect(await verified(service)).toMatchObject({ clean: true, behind: 0, differences: [] })
  })

  test('are missed for as long as they should be there', async () => {
    await using service = await openService()
    await live(service)
    for (const each of expiring) {
      const collection = await service.core.readModels.active(each)
      const [document] = await contentsOf(service, each)
      const { id, version: ifVersion } = document!
      await service.world.documents.write(collection, [{ do: 'delete', id, ifVersion }])
    }
    service.world.clock.jump(29 * dayMs)
    const { clean, differences } = await verified(service)
    expect(clean).toBe(false)
    expect(differences.map(({ projection, what }) => [projection, what]).toSorted()).toEqual([
      ['callbacks', 'missing'],
      ['messages', 'missing'],
    ])
    service.world.clock.jump(2 * dayMs)
    expect(await verified(service)).toMatchObject({ clean: true, differences: [] })
  })

  test('do not come back by a rebuild', async () => {
    await using service = await openService()
    await live(service)
    service.world.clock.jump(40 * dayMs)
    await service.advance(61_000)
    for (const each of expiring)
      await service.core.readModels.change(each, (now) => ({ ...now, building: 1 }))
    await service.advance(10_000)
    for (const each of expiring)
      expect((await service.core.readModels.generations(each)).active).toBe(1)
    expect(await held(service)).toEqual({ messages: 0, callbacks: 0 })
    expect(await verified(service)).toMatchObject({ clean: true, differences: [] })
  })
})
