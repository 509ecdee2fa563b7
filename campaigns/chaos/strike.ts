import { setTimeout as sleep } from 'node:timers/promises'
import type { Program } from '../../deploy/cluster/program.ts'
import type { Cluster } from '../../deploy/cluster/start-cluster.ts'
import { type FaultCounts, noFaults, type PlannedFault } from './plan.ts'
import { repliesOf } from './replies.ts'
import type { Wards } from './wards.ts'

export interface Striking {
  readonly cluster: Cluster
  readonly wards: Pick<Wards, 'bringUp'>
  /** The read models are gone: whoever measures how they come back begins now. */
  readonly onDrop: () => void
  readonly say: (line: string) => void
}

/** Ends a program, leaves it so, and starts it again; answers whether it had been there. */
const away = async (
  program: Program,
  lastsMs: number,
  { wards }: Striking,
  while_: () => void = () => {},
): Promise<number> => {
  const ran = program.pid !== undefined
  await program.kill()
  while_()
  await sleep(lastsMs)
  await wards.bringUp(program)
  return ran ? 1 : 0
}

const freeze = async (program: Program, lastsMs: number): Promise<number> => {
  const { pid } = program
  program.freeze()
  await sleep(lastsMs)
  const held = pid !== undefined && program.pid === pid
  program.thaw()
  return held ? 1 : 0
}

const loseReplies = async (
  { draw, lastsMs }: PlannedFault,
  { cluster, say }: Striking,
): Promise<number> => {
  const { controlUrl } = cluster.servers.eventStore
  if (controlUrl === undefined) {
    say('The log is kept by a real server: its replies cannot be lost from here.')
    return 0
  }
  const replies = repliesOf(controlUrl)
  const before = await replies.stop()
  await replies.lose(draw)
  await sleep(lastsMs)
  return (await replies.stop()) - before
}

/** Answers how often it really happened. */
export const strike = async (fault: PlannedFault, striking: Striking): Promise<number> => {
  const { servers, processes } = striking.cluster
  const { kind, lastsMs } = fault
  switch (kind) {
    case 'pabal-killed':
      return away(processes[fault.process!]!, lastsMs, striking)
    case 'pabal-frozen':
      return freeze(processes[fault.process!]!, lastsMs)
    case 'nats-restarted':
      return away(servers.nats, lastsMs, striking)
    case 'nats-wiped':
      return away(servers.nats, lastsMs, striking, () => servers.nats.wipe())
    case 'mongodb-stopped':
      return away(servers.mongodb, lastsMs, striking)
    case 'read-models-dropped':
      await servers.mongodb.dropAll()
      striking.onDrop()
      return 1
    case 'eventstore-killed':
      return away(servers.eventStore, lastsMs, striking)
    case 'replies-lost':
      return loseReplies(fault, striking)
  }
}

const describe = ({ kind, lastsMs, process }: PlannedFault): string => {
  const who = process === undefined ? '' : ` (pabal-${process + 1})`
  return `${kind}${who}${lastsMs > 0 ? `, ${(lastsMs / 1_000).toFixed(1)} s` : ''}`
}

/** Carries out a plan, its tracks beside each other; answers what happened. */
export const strikeAll = async (
  plan: readonly (readonly PlannedFault[])[],
  striking: Striking,
): Promise<FaultCounts> => {
  const counts = noFaults()
  const startedAt = performance.now()
  await Promise.all(
    plan.map(async (track) => {
      for (const fault of track) {
        await sleep(Math.max(0, startedAt + fault.atMs - performance.now()))
        striking.say(describe(fault))
        const happened = await strike(fault, striking)
        counts[fault.kind] += happened
      }
    }),
  )
  return counts
}
