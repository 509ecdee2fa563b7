import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verify } from '#src/cli/audit/verify.ts'
import type { Programs } from '../../deploy/cluster/programs.ts'
import { type Cluster, startCluster } from '../../deploy/cluster/start-cluster.ts'
import { briskSettings } from '../brisk-settings.ts'
import { wrongLogLines } from '../judging/log-lines.ts'
import { type Sandbox, sandboxAt } from '../judging/sandbox.ts'
import { judge } from '../judging/verdict.ts'
import { type Book, createBook } from '../load/book.ts'
import { createClient } from '../load/client.ts'
import { startProducers } from '../load/producers.ts'
import { within } from '../within.ts'
import { drain } from './drain.ts'
import { type Look, openLook, persist } from './look.ts'
import { planFaults } from './plan.ts'
import { rebuildAndCompare } from './rebuild.ts'
import { complaints, type Findings } from './result.ts'
import { strikeAll } from './strike.ts'
import { createWards, type Wards } from './wards.ts'
import { watchTimers } from './watch-timers.ts'

export interface ChaosOptions {
  readonly minutes: number
  readonly seed: number
  readonly programs: Programs
  /** New notifications per second. */
  readonly rate: number
  /** Leave everything where it is. Default: when something is wrong. */
  readonly keep?: boolean
  readonly say?: (line: string) => void
}

/**
 * Three servers and four processes share a machine, which may have other work: with the usual slots so many
 * attempts would wait for the log that each came too late (`fence-too-old`) and was made again.
 */
const settings = {
  ...briskSettings,
  PABAL_ROUTE_SLOTS: '16',
  PABAL_PUSH_SLOTS: '16',
  PABAL_SMS_SLOTS: '8',
  PABAL_EMAIL_SLOTS: '8',
}
/** What a process says that is started while a server is away; then it is started again. */
const refusedStart =
  /^pabal: (The service cannot start on these servers|.*\[\w+\/unreachable\]$)|^ {2}- .*\[\w+\/[\w-]+\]$|^\.\/pabal doctor looks again/
const receiptDelayMs = 150
const providerFaultRate = 0.03
const producers = 16
const sendAtMaxMs = 20_000
const finishMaxMs = 180_000
/** A circuit of a credential opens for up to five minutes. */
const drainMaxMs = 420_000
const rebuildMaxMs = 900_000
const awayMaxMs = 60_000

const loadOn = (cluster: Cluster, { seed, rate }: ChaosOptions, book: Book) => {
  const key = cluster.firstKey!
  const clients = cluster.processes
    .filter(({ roles }) => roles.split(',').includes('api'))
    .map(({ url }) => createClient({ url, key, book }))
  return {
    prepare: () => clients[0]!.prepare(),
    start() {
      const load = startProducers({ seed, book, producers, rate, sendAtMaxMs })
      load.up(clients)
      return load
    },
  }
}

/** Everything runs again. */
const bringUpAll = async ({ servers, processes }: Cluster, wards: Wards): Promise<void> => {
  await Promise.all(Object.values(servers).map((each) => wards.bringUp(each)))
  for (const each of processes) each.thaw()
  await Promise.all(processes.map((each) => wards.bringUp(each)))
}

/** What is there when nothing happens any more. */
const examine = async (
  cluster: Cluster,
  look: Look,
  sandbox: Sandbox,
  book: Book,
): Promise<Pick<Findings, 'audit' | 'verdict' | 'unequal'>> => {
  const audit = await persist(awayMaxMs, () => verify(look.stores))
  const ledger = await sandbox.ledger()
  const unequal = await rebuildAndCompare(look, cluster.settings, rebuildMaxMs)
  await look.log.readOn()
  const logFiles = cluster.processes.map(({ logFile }) => logFile)
  const logLines = wrongLogLines(logFiles, refusedStart)
  return { audit, unequal, verdict: judge({ book, log: look.log, audit, ledger, logLines }) }
}

/**
 * Kills, freezes, wipes and drops what a cluster consists of while it works, lets it come to an end, and
 * compares what the producers hold a 202 for with what the providers took, and the read models with the log.
 */
export const runChaos = async (options: ChaosOptions): Promise<Findings> => {
  const { minutes, seed, programs, say = () => {} } = options
  const directory = mkdtempSync(join(tmpdir(), 'pabal-chaos-'))
  let started: Cluster | undefined
  const wards = createWards(() => started?.processes ?? [], say)
  const durationMs = minutes * 60_000
  await using cluster = await startCluster({
    ...{ directory, programs, settings },
    sandbox: { seed, receiptDelayMs },
    onDeath: (name) => wards.died(name),
  })
  started = cluster
  const sandbox = sandboxAt(cluster.sandbox.controlUrl)
  await sandbox.faults(providerFaultRate)
  const book = createBook()
  const load = loadOn(cluster, options, book)
  await load.prepare()
  await using look = await openLook(cluster.settings)
  const timers = watchTimers(look)
  const plan = planFaults({ seed, durationMs })
  const running = load.start()
  const unlessBroken = <T>(work: Promise<T>): Promise<T> =>
    Promise.race([work, running.failed, timers.failed])
  say(`Up, in ${directory}; ${plan.flat().length} faults in ${minutes} minutes.`)
  const faults = await unlessBroken(
    strikeAll(plan, { cluster, wards, say, onDrop: timers.dropped }),
  )
  say(`The faults are over; ${book.answered.length} are accepted. Bringing everything up.`)
  await unlessBroken(bringUpAll(cluster, wards))
  const finished = within(finishMaxMs, 'The producers did not get their answers', running.finish())
  await unlessBroken(finished)
  const stuck = await unlessBroken(drain(look, sandbox, drainMaxMs))
  const recoveries = await timers.finish()
  say('Nothing is open any more; comparing.')
  const examined = await examine(cluster, look, sandbox, book)
  const impossible =
    cluster.servers.eventStore.controlUrl === undefined ? (['replies-lost'] as const) : []
  const { deaths } = wards
  const findings = { minutes, plan, faults, impossible, recoveries, stuck, deaths, ...examined }
  if (options.keep ?? complaints(findings).length > 0) say(`Everything is left in ${directory}.`)
  else rmSync(directory, { recursive: true, force: true })
  return findings
}
