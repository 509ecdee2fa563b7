import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { readRecovery } from '#handlers/recover.ts'
import type { EventStore } from '#ports/event-store.ts'
import { openCluster } from '../../support/cluster.ts'
import { copy } from '../../support/logs-to-copy.ts'
import { openService, type World } from '../../support/open-service.ts'
import { addPerson, request } from '../../support/people.ts'
import { singleton, worker } from '../../support/process-roles.ts'

const hour = 3_600_000

const withoutHistory = (world: World): World => {
  const { promise: never } = Promise.withResolvers<never>()
  const readAll: EventStore['readAll'] = async (options) =>
    options.limit === 4_000 ? never : world.events.readAll(options)
  return { ...world, events: { ...world.events, readAll } }
}

describe('a log that is moved away from a cluster', () => {
  test('ends every process, whatever its roles, and lets none start', async () => {
    const roles = { api: ['api'], channels: ['channels'], keeper: singleton } as const
    await using cluster = await openCluster(roles)
    const { api, channels, keeper } = cluster.processes
    await addPerson(api)
    await copy(cluster.world.events, createMemoryEventStore(), { finish: true })
    await api.advance(6_000)
    for (const { fatal } of [api, channels, keeper]) {
      expect(fatal).toMatchObject({ code: 'log/sealed' })
    }
    const again = openService({ world: cluster.world, roles: ['api'] })
    await expect(again).rejects.toMatchObject({ code: 'log/sealed' })
  })
})

describe('read models that a cluster lost', () => {
  test('come back by whoever keeps them, and every process knows what is missing', async () => {
    await using before = await openCluster({ work: worker, keep: singleton, stand: singleton })
    const { work } = before.processes
    await addPerson(work)
    const sendAt = new Date(before.world.clock.now() + 20 * hour).toISOString()
    const scheduled = await work.send(request({ channels: ['push'], sendAt }))
    const marks = async () => (await readRecovery(before.world.events))?.points.length ?? 0
    await work.until(async () => (await marks()) > 0, 2 * hour, 60_000)
    await work.advance(10 * 60_000)
    // Two could mark; one does.
    expect(await marks()).toBe(1)
    for (const each of Object.values(before.processes)) await each.crash()

    const world = withoutHistory({ ...before.world, documents: createMemoryDocumentStore() })
    await using keeper = await openService({ world, roles: singleton })
    await using api = await openService({ world, roles: worker })
    await api.advance(20_000)
    const known = ({ core }: typeof api) =>
      core.board.progress.filter(({ history }) => history).map(({ projection }) => projection)
    expect(known(keeper)).toEqual(['notifications'])
    expect(known(api)).toEqual(['notifications'])
    await api.leap(21 * hour)
    await api.advance(5_000)
    expect(await api.statusOf(scheduled)).toBe('delivered')
  })
})
