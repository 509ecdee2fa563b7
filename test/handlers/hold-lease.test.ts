import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import {
  createLeases,
  createSoleLeases,
  type RoleTerms,
  type Tenure,
} from '#handlers/hold-lease.ts'
import { leases } from '#handlers/lease.ts'
import type { Clock } from '#ports/clock.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import { Unavailable } from '#ports/errors.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const projector: RoleTerms = { role: 'projector' }
const relay: RoleTerms = { role: 'relay', evenUnsure: true }

const createWorld = () => ({
  clock: createFakeClock(),
  documents: createMemoryDocumentStore(),
  random: createSeededRandom(),
})
type World = ReturnType<typeof createWorld>

type Fault = 'works' | 'refuses' | 'silent' | 'loses-answers'

/** A process that wants a role. */
const open = (world: World, terms: RoleTerms = projector) => {
  let fault: Fault = 'works'
  let still: PromiseWithResolvers<void> | undefined
  const faulty =
    <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      await still?.promise
      if (fault === 'silent') return new Promise<T>(() => {})
      if (fault === 'refuses') throw new Unavailable('store/busy', 'Not now.')
      const answer = await call(...args)
      await still?.promise
      if (fault === 'loses-answers') throw new Unavailable('store/busy', 'No answer.')
      return answer
    }
  const { documents } = world
  const store: DocumentStore = {
    ...documents,
    load: faulty(documents.load),
    write: faulty(documents.write),
  }
  const clock: Clock = {
    ...world.clock,
    sleep: async (ms, signal) => {
      await world.clock.sleep(ms, signal)
      await still?.promise
    },
  }
  const stopping = new AbortController()
  const tenures: Tenure[] = []
  const held = createLeases({ ...world, documents: store, clock, log: silent, holder: 'host:1' })
  const run = (tenure: Tenure) =>
    new Promise<void>((resolve) => {
      tenures.push(tenure)
      tenure.signal.addEventListener('abort', () => resolve(), { once: true })
    })
  const ended = held.hold(terms, stopping.signal, run)
  return {
    ended,
    tenures,
    get active() {
      return tenures.some(({ signal }) => !signal.aborted)
    },
    fault: (next: Fault) => {
      fault = next
    },
    pause: () => {
      still = Promise.withResolvers()
    },
    goOn: () => {
      still?.resolve()
      still = undefined
    },
    stop: () => stopping.abort(),
  }
}

const active = (...processes: readonly { readonly active: boolean }[]) =>
  processes.map((each) => each.active)

describe('a role', () => {
  test('that nobody has is taken at once, and held', async () => {
    const world = createWorld()
    const one = open(world)
    await world.clock.advance(100)
    expect(one.active).toBe(true)
    await world.clock.advance(600_000)
    expect(one.tenures).toHaveLength(1)
    expect(await one.tenures[0]!.confirmed()).toBe(true)
  })

  test('is had by one of those who want it', async () => {
    const world = createWorld()
    const all = [open(world), open(world), open(world)]
    for (let step = 0; step < 600; step += 1) {
      await world.clock.advance(100)
      expect(active(...all).filter(Boolean)).toHaveLength(1)
    }
  })

  test('is taken over fifteen seconds after its holder died, by one of two', async () => {
    const world = createWorld()
    const first = open(world)
    await world.clock.advance(1_000)
    const others = [open(world), open(world)]
    await world.clock.advance(30_000)
    first.pause()
    await world.clock.advance(11_000)
    expect(active(...others)).toEqual([false, false])
    await world.clock.advance(8_000)
    expect(active(...others).filter(Boolean)).toHaveLength(1)
    await world.clock.advance(60_000)
    expect(active(...others).filter(Boolean)).toHaveLength(1)
  })

  test('is given up by a holder that stood still, as soon as it goes on', async () => {
    const world = createWorld()
    const first = open(world)
    await world.clock.advance(1_000)
    const second = open(world)
    await world.clock.advance(1_000)
    first.pause()
    await world.clock.advance(20_000)
    // It does not know better: only what it does can be refused.
    expect(active(first, second)).toEqual([true, true])
    first.goOn()
    await world.clock.advance(0)
    expect(await first.tenures[0]!.confirmed()).toBe(false)
    expect(active(first, second)).toEqual([false, true])
    await world.clock.advance(60_000)
    expect(active(first, second)).toEqual([false, true])
  })

  test('is stopped without being asked for by a holder that stood still too long', async () => {
    const world = createWorld()
    const first = open(world)
    await world.clock.advance(1_000)
    first.pause()
    await world.clock.advance(12_500)
    first.goOn()
    await world.clock.advance(0)
    expect(first.tenures[0]!.signal.aborted).toBe(true)
    // Nobody else wanted it.
    await world.clock.advance(2_000)
    expect(first.active).toBe(true)
    expect(first.tenures).toHaveLength(2)
  })

  test('is kept through a short absence of the store', async () => {
    const world = createWorld()
    const one = open(world)
    const two = open(world)
    await world.clock.advance(5_000)
    const [holder] = [one, two].filter((each) => each.active)
    for (const each of [one, two]) each.fault('silent')
    await world.clock.advance(8_000)
    for (const each of [one, two]) each.fault('works')
    await world.clock.advance(60_000)
    expect(holder!.tenures).toHaveLength(1)
    expect(holder!.active).toBe(true)
  })

  test.each(['refuses', 'silent'] as const)(
    'is stopped while the store %s, before anybody else can have it',
    async (fault) => {
      const world = createWorld()
      const one = open(world)
      await world.clock.advance(1_000)
      const two = open(world)
      await world.clock.advance(2_000)
      one.fault(fault)
      for (let step = 0; step < 400; step += 1) {
        await world.clock.advance(100)
        expect(active(one, two)).not.toEqual([true, true])
      }
      expect(active(one, two)).toEqual([false, true])
      one.fault('works')
      await world.clock.advance(30_000)
      expect(active(one, two)).toEqual([false, true])
    },
  )

  test('that only publishes goes on while the store is away, and stops when another has it', async () => {
    const world = createWorld()
    const one = open(world, relay)
    await world.clock.advance(1_000)
    one.fault('silent')
    await world.clock.advance(60_000)
    expect(one.active).toBe(true)
    const two = open(world, relay)
    await world.clock.advance(30_000)
    one.fault('works')
    await world.clock.advance(10_000)
    expect(active(one, two)).toEqual([false, true])
  })

  test('is kept when the answers to its renewals are lost', async () => {
    const world = createWorld()
    const one = open(world)
    const two = open(world)
    await world.clock.advance(5_000)
    const [holder] = [one, two].filter((each) => each.active)
    for (let times = 0; times < 5; times += 1) {
      holder!.fault('loses-answers')
      await world.clock.advance(6_000)
      holder!.fault('works')
      await world.clock.advance(6_000)
    }
    expect(holder!.tenures).toHaveLength(1)
    expect(holder!.active).toBe(true)
  })

  test('passes on at once when its holder stops', async () => {
    const world = createWorld()
    const one = open(world)
    await world.clock.advance(1_000)
    const two = open(world)
    await world.clock.advance(5_000)
    one.stop()
    await world.clock.advance(1_000)
    await one.ended
    expect(active(one, two)).toEqual([false, true])
  })

  test('starts anew after the store was dropped, with another token', async () => {
    const world = createWorld()
    const one = open(world)
    const two = open(world)
    await world.clock.advance(5_000)
    const before = [...one.tenures, ...two.tenures]
    await world.documents.drop(leases)
    for (let step = 0; step < 100; step += 1) await world.clock.advance(100)
    expect(active(one, two).filter(Boolean)).toHaveLength(1)
    const tokens = [...one.tenures, ...two.tenures].map(({ token }) => token)
    expect(new Set(tokens).size).toBe(tokens.length)
    expect(tokens.length).toBeGreaterThan(before.length)
    for (const tenure of before) expect(await tenure.confirmed()).toBe(false)
  })

  test('does not mind a wall clock that jumps', async () => {
    const world = createWorld()
    const one = open(world)
    const two = open(world)
    await world.clock.advance(5_000)
    const before = active(one, two)
    for (const jump of [3_600_000, -7_200_000, 1]) {
      world.clock.jump(jump)
      await world.clock.advance(10_000)
      expect(active(one, two)).toEqual(before)
    }
  })

  test('is left to others by who is not fit for it', async () => {
    const world = createWorld()
    let fit = true
    const one = open(world, { role: 'timekeeper', fit: () => fit })
    await world.clock.advance(1_000)
    const two = open(world, { role: 'timekeeper' })
    await world.clock.advance(2_000)
    fit = false
    await world.clock.advance(5_000)
    expect(active(one, two)).toEqual([false, true])
    two.stop()
    fit = true
    await world.clock.advance(3_000)
    expect(active(one, two)).toEqual([true, false])
  })

  test('is apart from other roles', async () => {
    const world = createWorld()
    const one = open(world, relay)
    const two = open(world, projector)
    await world.clock.advance(100)
    expect(active(one, two)).toEqual([true, true])
  })

  test('that ends by itself is given back', async () => {
    const world = createWorld()
    const held = createLeases({ ...world, log: silent, holder: 'host:1' })
    await held.hold(projector, new AbortController().signal, async () => {})
    const two = open(world)
    await world.clock.advance(100)
    expect(two.active).toBe(true)
  })
})

test('a role on stores of one process is had at once, whatever they hold', async () => {
  const stopping = new AbortController()
  const seen: boolean[] = []
  await createSoleLeases(createSeededRandom()).hold(projector, stopping.signal, async (tenure) => {
    seen.push(await tenure.confirmed(), tenure.signal.aborted)
  })
  expect(seen).toEqual([true, false])
})
