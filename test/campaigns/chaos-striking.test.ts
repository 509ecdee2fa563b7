import { describe, expect, test } from 'vitest'
import type { FaultKind, PlannedFault } from '../../campaigns/chaos/plan.ts'
import { strikeAll } from '../../campaigns/chaos/strike.ts'
import { createWards } from '../../campaigns/chaos/wards.ts'
import type { Program } from '../../deploy/cluster/program.ts'
import type { Cluster } from '../../deploy/cluster/start-cluster.ts'

/** A program without a process: it notes what is done to it. */
const createFake = (name: string, done: string[], start: () => Promise<void> = async () => {}) => {
  let pid: number | undefined = 1
  return {
    name,
    get pid() {
      return pid
    },
    async kill() {
      done.push(`${name} killed`)
      pid = undefined
    },
    async start() {
      await start()
      done.push(`${name} started`)
      pid = 2
    },
    freeze: () => void done.push(`${name} frozen`),
    thaw: () => void done.push(`${name} thawed`),
    wipe: () => void done.push(`${name} wiped`),
    dropAll: async () => void done.push(`${name} dropped`),
  }
}

const fault = (kind: FaultKind, process?: number): PlannedFault => {
  return { kind, atMs: 0, lastsMs: 0, draw: 0, ...(process !== undefined && { process }) }
}

const open = () => {
  const done: string[] = []
  const servers = {
    nats: createFake('nats', done),
    mongodb: createFake('mongodb', done),
    eventStore: createFake('eventstore', done),
  }
  const processes = [createFake('pabal-1', done), createFake('pabal-2', done)]
  const strike = (plan: readonly (readonly PlannedFault[])[]) =>
    strikeAll(plan, {
      cluster: { servers, processes } as unknown as Cluster,
      wards: { bringUp: (program) => program.start() },
      onDrop: () => void done.push('told of the drop'),
      say: () => {},
    })
  return { done, processes, strike }
}

describe('striking a cluster', () => {
  test.each<[FaultKind, readonly string[]]>([
    ['pabal-killed', ['pabal-1 killed', 'pabal-1 started']],
    ['pabal-frozen', ['pabal-1 frozen', 'pabal-1 thawed']],
    ['nats-restarted', ['nats killed', 'nats started']],
    ['nats-wiped', ['nats killed', 'nats wiped', 'nats started']],
    ['mongodb-stopped', ['mongodb killed', 'mongodb started']],
    ['read-models-dropped', ['mongodb dropped', 'told of the drop']],
    ['eventstore-killed', ['eventstore killed', 'eventstore started']],
  ])('does what %s says, and counts it', async (kind, expected) => {
    const { done, strike } = open()
    expect((await strike([[fault(kind, 0)]]))[kind]).toBe(1)
    expect(done).toEqual(expected)
  })

  test('counts faults of the same kind that happen at the same time', async () => {
    const { strike } = open()
    const plan = [[fault('pabal-killed', 0)], [fault('pabal-killed', 1)]]
    expect((await strike(plan))['pabal-killed']).toBe(2)
  })

  test('does not count what befell nobody', async () => {
    const { processes, strike } = open()
    await processes[0]!.kill()
    expect((await strike([[fault('pabal-killed', 0)]]))['pabal-killed']).toBe(0)
  })

  test('does not count a lost reply where the log is a real server', async () => {
    expect((await open().strike([[fault('replies-lost')]]))['replies-lost']).toBe(0)
  })
})

describe('the wards of the cluster campaign', () => {
  const programOf = (start: () => Promise<void>) =>
    createFake('pabal-1', [], start) as unknown as Program

  test('start again who cannot start yet, and do not call that a death', async () => {
    let tries = 0
    const program = programOf(async () => {
      tries += 1
      if (tries > 1) return
      wards.died('pabal-1')
      throw new Error('A server is away.')
    })
    const wards = createWards(
      () => [program],
      () => {},
    )
    await wards.bringUp(program)
    expect([tries, wards.deaths]).toEqual([2, []])
  })

  test('note a death, and start who died', async () => {
    const { promise: started, resolve } = Promise.withResolvers<void>()
    const program = programOf(async () => resolve())
    const wards = createWards(
      () => [program],
      () => {},
    )
    wards.died('pabal-1')
    await started
    expect(wards.deaths).toEqual(['pabal-1'])
  })
})
