import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openReadOnly } from '#src/cli/audit/read-only.ts'
import { verify } from '#src/cli/audit/verify.ts'
import { sandboxProgram } from '../../deploy/cluster/pabal.ts'
import { freePort } from '../../deploy/cluster/ports.ts'
import { briskSettings } from '../brisk-settings.ts'
import { wrongLogLines } from '../judging/log-lines.ts'
import { createLogReading } from '../judging/log-reading.ts'
import { type Sandbox, sandboxAt } from '../judging/sandbox.ts'
import { judge, type Verdict } from '../judging/verdict.ts'
import { type Book, createBook } from '../load/book.ts'
import { createClient } from '../load/client.ts'
import { startProducers } from '../load/producers.ts'
import { createKeeper, type Keeper, type Ready } from './keeper.ts'
import { countByPoint, type KillAt, type PlannedKill, planKills } from './kill-plan.ts'
import { type Killing, runKills } from './killing.ts'
import type { SabotageName } from './sabotage.ts'

export interface CampaignOptions {
  readonly kills: number
  readonly seed: number
  /** Default: all named points, the rest at random times. */
  readonly points?: readonly KillAt[]
  readonly sabotage?: SabotageName
  /** What is still open then is lost. */
  readonly drainMaxMs?: number
  /** Leave the data where they are. Default: when something is wrong. */
  readonly keep?: boolean
  readonly say?: (line: string) => void
}

export interface CampaignReport extends Verdict, Killing {
  readonly planned: Readonly<Record<string, number>>
  readonly seconds: number
}

const receiptDelayMs = 150
const faultRate = 0.03
const drainMaxMs = 90_000
const drainLookMs = 300

const dataDirIn = (directory: string): string => join(directory, 'data')

/** The first life, before any kill: makes the app, registers everybody, and ends well. */
const firstLife = async (keeper: Keeper, book: Book): Promise<string> => {
  const life = await keeper.start()
  const { url, firstKey: key } = (await life.ready) as Ready
  if (key === undefined) throw new Error('The first start did not print a key.')
  await createClient({ url, key, book }).prepare()
  await life.stop()
  return key
}

/** Waits until nothing in the log is open and no receipt is due; looks at the file alone. */
const drain = async (dataDir: string, sandbox: Sandbox, maxMs: number): Promise<void> => {
  await using stores = await openReadOnly(dataDir)
  const log = createLogReading(stores.events)
  const until = performance.now() + maxMs
  do {
    await sleep(drainLookMs)
    await log.readOn()
    if (log.openCount > 0) continue
    await sandbox.idle()
    await log.readOn()
    if (log.openCount === 0) return
  } while (performance.now() < until)
}

const readAndJudge = async (directory: string, book: Book, sandbox: Sandbox): Promise<Verdict> => {
  await using stores = await openReadOnly(dataDirIn(directory))
  const log = createLogReading(stores.events)
  await log.readOn()
  const audit = await verify(stores)
  const ledger = await sandbox.ledger()
  return judge({
    book,
    log,
    audit,
    ledger,
    logLines: wrongLogLines([join(directory, 'service.log')]),
  })
}

const plannedCounts = (plan: readonly PlannedKill[]) => countByPoint(plan.map(({ at }) => at))

/**
 * Kills a service under load, starts it again on the same data, lets it come to an end, and compares what
 * the producers hold a 202 for with what the providers took. The data stay where they are if that fails.
 */
export const runCampaign = async (options: CampaignOptions): Promise<CampaignReport> => {
  const { seed, sabotage, say = () => {} } = options
  const start = performance.now()
  const directory = mkdtempSync(join(tmpdir(), 'pabal-crash-'))
  const dataDir = dataDirIn(directory)
  mkdirSync(dataDir, { mode: 0o700 })
  await using providers = sandboxProgram({ directory, seed, receiptDelayMs })
  await providers.start()
  const sandbox = sandboxAt(providers.controlUrl)
  await sandbox.faults(faultRate)
  const settings = {
    ...briskSettings,
    PABAL_PORT: String(await freePort()),
    PABAL_DATA_DIR: dataDir,
    PABAL_SANDBOX_URL: providers.controlUrl,
  }
  await using keeper = createKeeper({ directory, settings, ...(sabotage && { sabotage }) })
  const book = createBook()
  const key = await firstLife(keeper, book)
  const producers = startProducers({ seed, book })
  const up = (ready: Ready | undefined): void =>
    producers.up(ready ? [createClient({ url: ready.url, key, book })] : [])
  const plan = planKills(options)
  const killing = await Promise.race([runKills({ plan, keeper, up, say }), producers.failed])
  say(`${killing.kills} kills; letting it come to an end.`)
  const life = await keeper.start()
  up(await life.ready)
  await Promise.race([producers.finish(), producers.failed])
  await drain(dataDir, sandbox, options.drainMaxMs ?? drainMaxMs)
  say('Nothing is open any more; comparing.')
  await life.stop()
  const verdict = await readAndJudge(directory, book, sandbox)
  if (options.keep ?? verdict.problems.length > 0)
    say(`Log, read models and log lines are in ${directory}.`)
  else rmSync(directory, { recursive: true, force: true })
  const seconds = Math.round(performance.now() - start) / 1_000
  return { ...verdict, ...killing, planned: plannedCounts(plan), seconds }
}
