import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { createCheckpoints } from '#handlers/checkpoints.ts'
import { runFeed } from '#handlers/feed.ts'
import type { FeedEvent } from '#ports/event-feed.ts'
import type { NewEvent } from '#ports/event-store.ts'
import { createFakeClock, settle } from '../support/fake-clock.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { openTenure } from '../support/tenure.ts'

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

const open = () => {
  const events = createMemoryEventStore()
  const documents = createMemoryDocumentStore()
  const clock = createFakeClock()
  const random = createSeededRandom()
  const told: FeedEvent[] = []
  const state: { failure: Error | undefined } = { failure: undefined }
  const feed = {
    publish: async (page: readonly FeedEvent[]) => {
      if (state.failure) throw state.failure
      told.push(...page)
    },
  }
  const append = async (stream: string, parts: Partial<NewEvent> = {}) => {
    const metadata = {
      at: '2026-03-01T10:00:00.000Z',
      app: 'shop',
      actor: 'cli',
      correlationId: 'c',
    }
    const event = {
      ...{ id: random.uuid(), type: 'NotificationParked', schemaVersion: 1, metadata },
      data: { deliveries: [], reason: 'unreadable' },
      ...parts,
    }
    await events.append(stream, [event], { expected: 'no-stream' })
  }
  const checkpoints = createCheckpoints({ events, documents, log: silent })
  /** From now on whoever runs cannot save his place. */
  const takeOver = () => checkpoints.claim('feed', openTenure(new AbortController().signal))
  /** One run, until all there is has been told. */
  const run = async (from: 'beginning' | 'head' = 'beginning', during = async () => {}) => {
    const stop = new AbortController()
    const tenure = openTenure(stop.signal)
    const ended = runFeed({ events, feed, checkpoints, clock, tenure, from })
    // A test that expects it to fail looks at it later.
    ended.catch(() => {})
    await settle()
    await during()
    await settle()
    stop.abort()
    return ended
  }
  return { append, run, takeOver, told, state, streams: () => told.map(({ stream }) => stream) }
}

describe('the feed of events', () => {
  test('is not told what the log tells of itself', async () => {
    const { append, run, streams } = open()
    await append('pabal-recovery')
    await append('notification-a')
    await append('pabal-copy')
    await run()
    expect(streams()).toEqual(['notification-a'])
  })

  test('is told every event from the first on, without what is personal', async () => {
    const { append, run, told } = open()
    await append('notification-a', { personal: { to: '+821012345678' } })
    await append('app-shop', { type: 'AppKeyIssued', data: { keyId: 'k', hash: 'abc' } })
    await run()
    expect(told.map(({ stream, data }) => ({ stream, data }))).toEqual([
      { stream: 'notification-a', data: { deliveries: [], reason: 'unreadable' } },
      { stream: 'app-shop', data: { keyId: 'k' } },
    ])
    expect(JSON.stringify(told)).not.toContain('8210')
  })

  test('goes on after the last place that was saved', async () => {
    const { append, run, streams } = open()
    await append('notification-a')
    await run()
    await append('notification-b')
    await run()
    expect(streams()).toEqual(['notification-a', 'notification-b'])
  })

  test('repeats what it told after that place rather than leave it out', async () => {
    const { append, run, takeOver, streams } = open()
    await append('notification-a')
    await run('beginning', async () => {
      await append('notification-b')
      await takeOver()
    })
    await run()
    expect(streams()).toEqual(['notification-a', 'notification-b', 'notification-b'])
  })

  test('leaves nothing out when it could not be told', async () => {
    const { append, run, streams, state } = open()
    await append('notification-a')
    state.failure = new Error('as told')
    await expect(run()).rejects.toThrow('as told')
    expect(streams()).toEqual([])
    state.failure = undefined
    await run()
    expect(streams()).toEqual(['notification-a'])
  })

  test('may begin at the end of the log', async () => {
    const { append, run, streams } = open()
    await append('notification-old')
    await run('head', () => append('notification-new'))
    await run('head', () => append('notification-newer'))
    expect(streams()).toEqual(['notification-new', 'notification-newer'])
  })
})
