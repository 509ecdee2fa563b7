import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createCredentials } from '#handlers/credentials.ts'
import { createPeers } from '#handlers/peers.ts'
import { createSharedCredentials } from '#handlers/shared-credentials.ts'
import { Unavailable } from '#ports/errors.ts'
import { createFakeClock, settle } from '../support/fake-clock.ts'
import { createScriptedChannel } from '../support/scripted-channel.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

const createWorld = () => ({
  clock: createFakeClock(),
  store: createMemoryDocumentStore(),
  random: createSeededRandom(),
})
type World = ReturnType<typeof createWorld>

/** A process that sends under one credential, or under none. */
const open = (world: World, sends = true) => {
  const { clock, store, random } = world
  let down = false
  const fail = () => Promise.reject(new Unavailable('store/busy', 'Not now.'))
  const documents = {
    ...store,
    load: (...args: Parameters<typeof store.load>) => (down ? fail() : store.load(...args)),
    write: (...args: Parameters<typeof store.write>) => (down ? fail() : store.write(...args)),
  }
  const channel = createScriptedChannel('apns', clock)
  const options = sends ? [{ name: 'apns', channel, ratePerSecond: 100 }] : []
  const known = options.map(({ name }) => ({ name, provider: channel.provider }))
  const self = { name: 'host:1', roles: [], credentials: known }
  const peers = createPeers({ documents, clock, random, self })
  const needs = { documents, clock, random, log: silent }
  const shared = createSharedCredentials({ ...needs, peers })
  const credentials = createCredentials(options, { ...needs, together: shared.together })
  return {
    shared,
    peers,
    circuit: credentials.get('apns')?.circuit,
    permit: () => credentials.get('apns')!.permit(new AbortController().signal),
    /** A permit that has to be there. */
    go: async () => {
      const permit = await credentials.get('apns')!.permit(new AbortController().signal)
      if (permit === 'paused') throw new Error('It is paused.')
      return permit
    },
    sync: async () => {
      await peers.beat()
      await shared.sync(credentials)
    },
    down: (is: boolean) => {
      down = is
    },
  }
}
type Process = ReturnType<typeof open>

const refused = { is: 'config', code: 'ExpiredToken', reason: 'Old.' } as const
const delivered = { is: 'delivered' } as const

/** Two that have met; the first pauses, and the second has heard of it. */
const openPaused = async () => {
  const world = createWorld()
  const [one, two] = [open(world), open(world)]
  for (const each of [one, two, one]) await each.sync()
  ;(await one.go()).report(refused)
  await settle()
  await two.sync()
  return { world, one, two }
}

const states = (...all: readonly Process[]) => all.map(({ circuit }) => circuit?.state.is)

describe('a pause', () => {
  test('is heard of by the other process, and by one that does not send', async () => {
    const { world, one, two } = await openPaused()
    expect(states(one, two)).toEqual(['open', 'open'])
    expect(await two.permit()).toBe('paused')
    const third = open(world, false)
    await third.sync()
    expect(third.shared.view.isPaused('apns')).toBe(true)
    expect(third.shared.view.statuses).toMatchObject([
      { name: 'apns', provider: 'apns', state: { is: 'open', why: 'ExpiredToken' } },
    ])
  })

  test('is heard of by one that starts later, for no longer than it lasts', async () => {
    const { world } = await openPaused()
    await world.clock.advance(8_000)
    const late = open(world)
    await late.sync()
    expect(await late.permit()).toBe('paused')
    await world.clock.advance(3_500)
    expect(late.circuit!.paused).toBe(false)
  })

  test('does not last for ever because a wall clock was wrong', async () => {
    const { world, one } = await openPaused()
    world.clock.jump(-365 * 86_400_000)
    const other = open(world)
    await other.sync()
    await world.clock.advance(331_000)
    expect([one, other].map(({ circuit }) => circuit!.paused)).toEqual([false, false])
  })

  test('is probed by one process at a time', async () => {
    const { world, one, two } = await openPaused()
    await world.clock.advance(12_000)
    const [first, second] = await Promise.all([one.permit(), two.permit()])
    expect([first, second].filter((each) => each !== 'paused')).toHaveLength(1)
    await world.clock.advance(6_000)
    // Whoever asks again is told so again.
    const [, other] = first === 'paused' ? [two, one] : [one, two]
    expect(await other.permit()).toBe('paused')
  })

  test('ends for all when the probe succeeds', async () => {
    const { world, one, two } = await openPaused()
    await world.clock.advance(12_000)
    ;(await two.go()).report(delivered)
    await settle()
    await one.sync()
    expect(states(one, two)).toEqual(['closed', 'closed'])
  })

  test('goes on for all when the probe fails', async () => {
    const { world, one, two } = await openPaused()
    await world.clock.advance(12_000)
    ;(await two.go()).report(refused)
    await settle()
    await one.sync()
    await world.clock.advance(15_000)
    expect([await one.permit(), await two.permit()]).toEqual(['paused', 'paused'])
  })

  test('may be probed by another when the probe made no attempt', async () => {
    const { world, one, two } = await openPaused()
    await world.clock.advance(12_000)
    ;(await one.go()).release()
    await settle()
    expect(await two.permit()).not.toBe('paused')
  })

  test('may be probed by another when who probes is not heard of for a minute', async () => {
    const { world, one, two } = await openPaused()
    await world.clock.advance(12_000)
    await one.go()
    expect(await two.permit()).toBe('paused')
    await world.clock.advance(61_000)
    expect(await two.permit()).not.toBe('paused')
  })

  test('that another process began is not ended by an earlier probe', async () => {
    const { world, one, two } = await openPaused()
    await world.clock.advance(12_000)
    const probe = await one.go()
    // The other one has not heard of any pause: it was refused just now.
    two.circuit!.hearClosed()
    ;(await two.go()).report(refused)
    await settle()
    probe.report(delivered)
    await settle()
    await one.sync()
    expect(states(one, two)).toEqual(['open', 'open'])
  })
})

describe('while the store does not answer', () => {
  test('each goes on with what it knows, and tells the others later', async () => {
    const world = createWorld()
    const [one, two] = [open(world), open(world)]
    for (const each of [one, two, one]) await each.sync()
    one.down(true)
    ;(await one.go()).report(refused)
    await settle()
    expect(await one.permit()).toBe('paused')
    await two.sync()
    expect(await two.permit()).not.toBe('paused')
    one.down(false)
    await one.sync()
    await two.sync()
    expect(states(one, two)).toEqual(['open', 'open'])
  })

  test('a probe is made all the same', async () => {
    const { world, one } = await openPaused()
    one.down(true)
    await world.clock.advance(12_000)
    ;(await one.go()).report(delivered)
    expect(one.circuit!.state.is).toBe('closed')
  })
})

describe('the processes on one store', () => {
  test('count each other while they show that they live', async () => {
    const world = createWorld()
    const [one, two] = [open(world), open(world)]
    for (let times = 0; times < 5; times += 1) {
      for (const each of [one, two]) await each.sync()
      await world.clock.advance(2_000)
    }
    expect([one, two].map(({ peers }) => peers.living.length)).toEqual([2, 2])
    for (let times = 0; times < 6; times += 1) {
      await one.sync()
      await world.clock.advance(2_000)
    }
    expect(one.peers.living).toHaveLength(1)
    // It was asleep, and is counted again.
    await two.sync()
    await one.sync()
    expect(one.peers.living).toHaveLength(2)
    await two.peers.leave()
    await one.sync()
    expect(one.peers.living).toHaveLength(1)
  })

  test('forget the dead after a while, and survive a store that was dropped', async () => {
    const world = createWorld()
    const collection = { name: 'processes', version: 1, indexes: [] }
    const count = async () => (await world.store.scan(collection, { limit: 10 })).length
    const [one, two] = [open(world), open(world)]
    for (const each of [one, two]) await each.sync()
    expect(await count()).toBe(2)
    for (let times = 0; times < 62; times += 1) {
      await world.clock.advance(10_000)
      await one.sync()
    }
    expect(await count()).toBe(1)
    await world.store.drop(collection)
    await one.sync()
    await one.sync()
    expect(await count()).toBe(1)
  })
})
