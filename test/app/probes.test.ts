import { describe, expect, test } from 'vitest'
import { createInProcessWorkQueue } from '#adapters/in-process/in-process-work-queue.ts'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { createCredentials } from '#handlers/credentials.ts'
import type { Progress } from '#handlers/progress.ts'
import { createReadModels } from '#handlers/read-models.ts'
import { Unavailable } from '#ports/errors.ts'
import { createHealth } from '#src/app/health.ts'
import { createProbes } from '#src/app/probes.ts'
import { createFakeClock, settle } from '../support/fake-clock.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

type Part = 'log' | 'queue' | 'documents'

/** Stores that fail, or say nothing at all, when they are told to. */
const openStores = () => {
  const clock = createFakeClock()
  const fault = new Map<Part, 'gone' | 'silent'>()
  let asked = 0
  const through = async (part: Part): Promise<void> => {
    asked += 1
    if (fault.get(part) === 'gone') throw new Unavailable(`${part}/gone`, 'It is away.')
    if (fault.get(part) === 'silent') await new Promise(() => {})
  }
  const memory = createMemoryEventStore()
  const events = {
    ...memory,
    head: async () => {
      await through('log')
      return memory.head()
    },
  }
  const store = createMemoryDocumentStore()
  const documents: typeof store = {
    ...store,
    load: async (...args) => {
      await through('documents')
      return store.load(...args)
    },
  }
  const inProcess = createInProcessWorkQueue({ clock })
  const queue: typeof inProcess = {
    ...inProcess,
    depths: async () => {
      await through('queue')
      return inProcess.depths()
    },
  }
  const readModels = createReadModels({ documents, clock })
  const progress: Progress[] = []
  const probe = createProbes({ events, documents, readModels, queue, clock })
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const health = createHealth({
    credentials: createCredentials([], { clock, random: createSeededRandom(), log }),
    progress: () => progress,
    clock,
    lastFailure: () => undefined,
    silences: probe,
  })
  const codes = async () => {
    const answer = health()
    await settle()
    await clock.advance(2_000)
    const { ready, problems } = await answer
    return { ready, codes: problems.filter(({ provider }) => !provider).map(({ code }) => code) }
  }
  return { clock, fault, probe, codes, progress, asked: () => asked }
}

describe('a process that asks its stores', () => {
  test('is ready while all of them answer', async () => {
    expect(await openStores().codes()).toEqual({ ready: true, codes: [] })
  })

  test.each(['gone', 'silent'] as const)('is not ready while the log is %s', async (how) => {
    const { fault, codes } = openStores()
    fault.set('log', how)
    expect(await codes()).toEqual({
      ready: false,
      codes: [how === 'gone' ? 'log/gone' : 'log/no-answer'],
    })
  })

  test.each([
    ['queue', 'gone', 'queue/gone'],
    ['queue', 'silent', 'queue/no-answer'],
    ['documents', 'gone', 'documents/gone'],
    ['documents', 'silent', 'documents/no-answer'],
  ] as const)('names %s that is %s and goes on accepting', async (part, how, code) => {
    const { fault, codes } = openStores()
    fault.set(part, how)
    expect(await codes()).toEqual({ ready: true, codes: [code] })
  })

  test('is ready while history is still to come back, and says so', async () => {
    const { progress, codes, clock } = openStores()
    const about = { projection: 'notifications', generation: 0, position: '9' }
    const standing = { foldedAt: clock.now(), caughtUp: true, history: { until: '5' } }
    progress.push({ ...about, ...standing })
    expect(await codes()).toEqual({ ready: true, codes: ['projection/history'] })
  })

  test('names all of them at once, and none any more when they are back', async () => {
    const { fault, codes, clock } = openStores()
    for (const part of ['log', 'queue', 'documents'] as const) fault.set(part, 'gone')
    expect(await codes()).toEqual({
      ready: false,
      codes: ['log/gone', 'queue/gone', 'documents/gone'],
    })
    fault.clear()
    await clock.advance(1_000)
    expect(await codes()).toEqual({ ready: true, codes: [] })
  })

  test('asks them once for all who want to know within a second', async () => {
    const { probe, asked, clock } = openStores()
    await Promise.all(Array.from({ length: 50 }, () => probe()))
    const first = asked()
    expect(first).toBeLessThan(6)
    await clock.advance(1_000)
    await probe()
    expect(asked()).toBeGreaterThan(first)
  })
})
