import { describe, expect, test } from 'vitest'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { openDouble } from '../../support/eventstoredb/double.ts'
import { contentsOf, copy, filledLog } from '../../support/logs-to-copy.ts'
import { openStore } from './open-store.ts'

describe('a log copied to EventStoreDB, played by a double,', () => {
  test('and back is the same log', async () => {
    await using double = await openDouble()
    await using server = await openStore(double.url)
    const source = await filledLog(2_200)
    const up = await copy(source, server, { finish: true })
    const back = createMemoryEventStore()
    const down = await copy(server, back)
    expect(down).toMatchObject({ hash: up.hash, events: up.events, from: server.logId })
    expect(await contentsOf(back)).toEqual(await contentsOf(source))
    expect(await copy(server, back)).toMatchObject({ copied: 0 })
  })
})
