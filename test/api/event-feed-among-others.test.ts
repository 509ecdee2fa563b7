import { expect, test } from 'vitest'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { openFeed } from '#api/event-feed.ts'
import { newEvent } from '../contracts/log-samples.ts'
import { amongOthers, foreignStream } from '../support/log-among-others.ts'

test('the feed goes on from where it ended, however much others wrote since', async () => {
  const log = createMemoryEventStore()
  const ours = newEvent()
  const { position } = await log.append('app-shop', [ours], { expected: 'no-stream' })
  for (const expected of ['no-stream', 999, 1_999] as const) {
    const foreign = Array.from({ length: 1_000 }, () => newEvent())
    await log.append(foreignStream, foreign, { expected })
  }
  const events = amongOthers(log)
  const ask = async (after?: string) => {
    const query = { app: ours.metadata.app, limit: 100, personal: false }
    const feed = await openFeed(events, after === undefined ? query : { ...query, after })
    const lines = (await Array.fromAsync(feed)).join('').trim().split('\n')
    return lines.map((line) => JSON.parse(line))
  }
  const end = { resumeAfter: position, atHead: true, logId: log.logId }
  expect(await ask()).toEqual([expect.objectContaining({ id: ours.id }), end])
  expect(await ask(position)).toEqual([end])
  const next = newEvent()
  await log.append('app-shop', [next], { expected: 0 })
  expect(await ask(position)).toMatchObject([{ id: next.id }, { atHead: true }])
})
