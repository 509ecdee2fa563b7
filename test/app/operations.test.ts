import { describe, expect, test } from 'vitest'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import type { Base } from '#src/app/base.ts'
import { createOperatorOrders } from '#src/app/operations.ts'
import { openService, type Service } from '../support/open-service.ts'
import { addPerson, request } from '../support/people.ts'

const ordersOf = ({ core }: Service) =>
  createOperatorOrders({ core: core as unknown as Base, running: true })

/** Documents of parked notifications, without a log behind them. */
const addParked = async (service: Service, count: number): Promise<readonly string[]> => {
  const { documents } = service.world
  const ids = Array.from({ length: count }, () => service.world.random.uuid())
  const collection = await service.core.readModels.active(notificationsProjection as never)
  const changes = ids.map((id, at) => ({
    do: 'insert' as const,
    // Many of the same millisecond: pages must not be parted by time alone.
    document: {
      id,
      version: 1,
      body: { app: 'shop', status: 'parked', requestedAt: Math.floor(at / 7) },
    },
  }))
  await documents.write(collection, changes)
  return ids
}

describe('what is parked', () => {
  test('is listed whole, however much it is', async () => {
    await using service = await openService()
    const ids = await addParked(service, 450)
    const { parked } = (await ordersOf(service)['parked.list']!({ app: 'shop' })) as {
      readonly parked: readonly { readonly id: string }[]
    }
    expect(parked.map(({ id }) => id).sort()).toEqual([...ids].sort())
  })

  test('is redriven but for what cannot be read, which is named', async () => {
    await using service = await openService({ asleep: true })
    await addPerson(service)
    const broken = await service.send(request({ channels: ['push'] }))
    const { stream, revision, metadata } = (await service.eventsOf(broken)).at(-1)!
    const poison = { id: service.world.random.uuid(), type: 'NotificationRouted', schemaVersion: 1 }
    await service.world.events.append(stream, [{ ...poison, data: {}, metadata }], {
      expected: revision,
    })
    await service.start()
    await service.advance(60_000)
    const redrive = ordersOf(service)['parked.redrive']!
    expect(await redrive({ app: 'shop', all: true })).toEqual({
      redriven: [],
      unreadable: [broken],
    })
    await expect(redrive({ app: 'shop', id: broken })).rejects.toMatchObject({
      code: 'notification/unreadable',
    })
  })
})
