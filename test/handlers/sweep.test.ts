import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { runSweep } from '#handlers/sweep.ts'
import type { CollectionDeclaration } from '#ports/document-store.ts'
import { Unavailable } from '#ports/errors.ts'
import { createSupervise } from '#src/app/supervise.ts'
import { insertAll, newExpiringCollection } from '../contracts/document-samples.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const minute = 60_000

/** A sweep over memory that a clock moves, and what it asked the store for. */
const open = async (filled: readonly number[]) => {
  const clock = createFakeClock()
  const store = createMemoryDocumentStore(clock)
  const stopping = new AbortController()
  const { signal } = stopping
  const collections = filled.map(() => newExpiringCollection())
  const until = clock.now() + minute
  for (const [at, count] of filled.entries()) {
    const ids = Array.from({ length: count }, (_, number) => `id-${number}`)
    const bodies = Object.fromEntries(ids.map((id) => [id, { until }]))
    await insertAll(store, collections[at]!, { ...bodies, stays: { until: until + 10 * minute } })
  }
  const state = { away: false }
  const asked: { readonly atMs: number; readonly limit: number; readonly swept: number }[] = []
  const sweep = async (collection: CollectionDeclaration, limit: number): Promise<number> => {
    if (state.away) throw new Unavailable('documents/unreachable', 'It is away.')
    const swept = await store.sweep(collection, limit)
    asked.push({ atMs: clock.monotonic(), limit, swept })
    return swept
  }
  const needs = { documents: { sweep }, collections: async () => collections, clock, signal }
  /** How many are in the store, expired or not: before they expired all were shown. */
  const left = async (): Promise<readonly number[]> => {
    const passed = clock.monotonic()
    clock.jump(-passed)
    const counts = await Promise.all(
      collections.map(async (each) => (await store.scan(each, { limit: 1_000 })).length),
    )
    clock.jump(passed)
    return counts
  }
  return { clock, needs, stopping, signal, state, asked, left }
}

describe('the sweep', () => {
  test('removes what has expired of every collection within a minute, and nothing else', async () => {
    const { clock, needs, stopping, asked, left } = await open([3, 0, 700])
    const ended = runSweep(needs)
    await clock.advance(minute - 1)
    expect([asked.length, await left()]).toEqual([0, [4, 1, 701]])
    await clock.advance(minute)
    expect(await left()).toEqual([1, 1, 1])
    stopping.abort()
    await ended
  })

  test('takes a bounded page at a time and lets others go on between', async () => {
    const { clock, needs, stopping, asked } = await open([900])
    const ended = runSweep(needs)
    await clock.advance(minute + 1_000)
    expect(asked.map(({ swept }) => swept)).toEqual([500, 400])
    expect(Math.max(...asked.map(({ limit }) => limit))).toBeLessThanOrEqual(500)
    expect(asked[1]!.atMs).toBeGreaterThan(asked[0]!.atMs)
    stopping.abort()
    await ended
  })

  test('ends between two pages when it is told to', async () => {
    const { clock, needs, stopping, left } = await open([900])
    const ended = runSweep(needs)
    await clock.advance(minute)
    stopping.abort()
    await ended
    expect(await left()).toEqual([401])
  })

  test('goes on by itself once a store that was away is back', async () => {
    const { clock, needs, stopping, signal, state, left } = await open([5])
    const warned: string[] = []
    const log = {
      ...{ debug() {}, info() {}, error: (message: string) => void warned.push(`! ${message}`) },
      warn: (message: string) => void warned.push(message),
    }
    const onFatal = (error: Error): never => {
      throw error
    }
    state.away = true
    const ended = createSupervise({ clock, log, onFatal })('expiry', signal, () => runSweep(needs))
    await clock.advance(2 * minute)
    expect(warned).toEqual(['A loop failed; it is started again.'])
    expect(await left()).toEqual([6])
    state.away = false
    await clock.advance(2 * minute)
    expect(await left()).toEqual([1])
    stopping.abort()
    await ended
  })
})
