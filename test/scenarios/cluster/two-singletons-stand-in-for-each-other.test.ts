import { describe, expect, test } from 'vitest'
import { allProjections } from '#projections/all.ts'
import { collectionOf } from '#projections/projection.ts'
import { openCluster } from '../../support/cluster.ts'
import type { Service } from '../../support/open-service.ts'
import { addPerson, request } from '../../support/people.ts'
import { singleton, worker } from '../../support/process-roles.ts'

const four = { w1: worker, w2: worker, s1: singleton, s2: singleton } as const

const projects = (service: Service): boolean => service.core.projector.progress.length > 0

const sendSome = async (service: Service, count: number): Promise<string[]> => {
  const ids: string[] = []
  for (let made = 0; made < count; made += 1) {
    ids.push(await service.send(request({ channels: ['push'] })))
  }
  return ids
}

const documentsOf = (service: Service) =>
  service.world.documents.scan(
    collectionOf(allProjections.find(({ name }) => name === 'notifications')!, 0),
    { limit: 1_000 },
  )

/** The read model holds every notification as the log has it. */
const expectRightDocuments = async (service: Service) => {
  const statuses = await service.statuses()
  const documents = await documentsOf(service)
  expect(new Map(documents.map(({ id, body }) => [id, body.status]))).toEqual(statuses)
}

const errorsOf = (service: Service) =>
  service.lines
    .filter(({ level }) => level === 'error')
    .map(({ message, fields }) => [message, fields])

describe('two workers and two singletons', () => {
  test('deliver each notification once', async () => {
    await using cluster = await openCluster(four)
    const { w1, w2, s1, s2 } = cluster.processes
    await addPerson(w1)
    const ids = [...(await sendSome(w1, 20)), ...(await sendSome(w2, 20))]
    await w1.quiet()
    await w1.advance(3_000)
    expect(cluster.world.apns.sent).toHaveLength(ids.length)
    await expectRightDocuments(w1)
    expect([w1, w2, s1, s2].flatMap(errorsOf)).toEqual([])
  })

  test('never project both at once', async () => {
    await using cluster = await openCluster(four)
    const { w1, s1, s2 } = cluster.processes
    await addPerson(w1)
    for (let step = 0; step < 300; step += 1) {
      if (step % 10 === 0) await sendSome(w1, 1)
      await w1.advance(100)
      expect([projects(s1), projects(s2)]).toEqual([true, false])
      expect(projects(w1)).toBe(false)
    }
    expect([...errorsOf(s1), ...errorsOf(s2)]).toEqual([])
  })

  test.each(['s1', 's2'] as const)('go on when %s is killed: all is finished', async (killed) => {
    await using cluster = await openCluster(four)
    const { w1, w2 } = cluster.processes
    const left = killed === 's1' ? cluster.processes.s2 : cluster.processes.s1
    await addPerson(w1)
    const sendAt = new Date(cluster.world.clock.now() + 25_000).toISOString()
    const later = await w1.send(request({ channels: ['push'], sendAt }))
    await sendSome(w1, 5)
    await w1.advance(1_000)
    await cluster.processes[killed].crash()
    const meanwhile = await sendSome(w2, 5)
    await w1.advance(20_000)
    expect(projects(left)).toBe(true)
    await w1.quiet(60_000)
    expect(await w1.statusOf(later)).toBe('delivered')
    for (const id of meanwhile) expect(await w1.statusOf(id)).toBe('delivered')
    expect(cluster.world.apns.sent).toHaveLength(11)
    await w1.advance(3_000)
    await expectRightDocuments(w1)
  })

  test('pass the roles on at once when one stops in order', async () => {
    await using cluster = await openCluster(four)
    const { w1, s1, s2 } = cluster.processes
    await addPerson(w1)
    await sendSome(w1, 5)
    await w1.advance(2_000)
    expect([projects(s1), projects(s2)]).toEqual([true, false])
    await s1.stop()
    const [id] = await sendSome(w1, 1)
    await w1.until(async () => (await w1.statusOf(id!)) === 'delivered', 5_000)
    expect(projects(s2)).toBe(true)
    expect(errorsOf(s2)).toEqual([])
  })

  test('do not mind a singleton that stood still and wakes up', async () => {
    await using cluster = await openCluster(four)
    const { w1, s1, s2 } = cluster.processes
    await addPerson(w1)
    await sendSome(w1, 5)
    await w1.advance(2_000)
    s1.pause()
    const meanwhile = await sendSome(w1, 5)
    await w1.advance(30_000)
    expect(projects(s2)).toBe(true)
    await s1.goOn()
    await sendSome(w1, 5)
    await w1.advance(5_000)
    expect([projects(s1), projects(s2)]).toEqual([false, true])
    await w1.quiet()
    for (const id of meanwhile) expect(await w1.statusOf(id)).toBe('delivered')
    expect(cluster.world.apns.sent).toHaveLength(15)
    await w1.advance(3_000)
    await expectRightDocuments(w1)
    expect(errorsOf(s2)).toEqual([])
  })

  test('lose nothing when one singleton after the other is killed and started again', async () => {
    await using cluster = await openCluster(four)
    const { w1 } = cluster.processes
    await addPerson(w1)
    let sent = 0
    for (const name of ['s1', 's2', 's1', 's2'] as const) {
      await sendSome(w1, 3)
      sent += 3
      await w1.advance(300)
      await cluster.processes[name].crash()
      await cluster.start(name, singleton)
      await w1.advance(20_000)
    }
    await w1.quiet()
    expect(cluster.world.apns.sent).toHaveLength(sent)
    await w1.advance(3_000)
    await expectRightDocuments(w1)
  })

  test('have their read models back after the store was dropped under them', async () => {
    await using cluster = await openCluster(four)
    const { w1, s1, s2 } = cluster.processes
    const { documents, clock } = cluster.world
    await addPerson(w1)
    await sendSome(w1, 5)
    const sendAt = new Date(clock.now() + 40_000).toISOString()
    const later = await w1.send(request({ channels: ['push'], sendAt }))
    await w1.advance(2_000)
    for (const projection of allProjections) await documents.drop(collectionOf(projection, 0))
    for (const name of ['leases', 'checkpoints', 'aliases', 'processes', 'credentials']) {
      await documents.drop({ name, version: 1, indexes: [] })
    }
    // In the middle of it somebody changes and something happens.
    await addPerson(w1, { devices: { other: 'ios' } })
    const ids = await sendSome(w1, 5)
    await w1.advance(20_000)
    expect([projects(s1), projects(s2)].filter(Boolean)).toHaveLength(1)
    await w1.quiet()
    expect(await w1.statusOf(later)).toBe('delivered')
    for (const id of ids) expect((await w1.notification(id)).deliveries).toHaveLength(2)
    await w1.advance(3_000)
    await expectRightDocuments(w1)
  })
})
