import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createPinoLog } from '#adapters/pino/pino-log.ts'
import { openSqliteDocumentStore } from '#adapters/sqlite/sqlite-document-store.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { createSystemRandom } from '#adapters/system/system-random.ts'
import { unarmedCrashPoints } from '#adapters/system/unarmed-crash-points.ts'
import { createCheckpoints } from '#handlers/checkpoints.ts'
import { type CopyProgress, type CopyReport, copyLog } from '#handlers/log-copy.ts'
import { standingEveryMs } from '#handlers/log-standing.ts'
import { checkpointName } from '#handlers/progress.ts'
import { createProjector } from '#handlers/projector.ts'
import { createReadModels } from '#handlers/read-models.ts'
import { createTallies } from '#handlers/tally.ts'
import { allProjections } from '#projections/all.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import type { Projection } from '#projections/projection.ts'
import { pathsOf } from '../app/embedded.ts'
import { hasLog, type OpenLog, type OpenLogNeeds, openLog } from '../app/open-log.ts'
import { type Env, parseConfig } from '../config.ts'
import { misused, printJson } from './orders.ts'

const usage = `./pabal log copy --from DATA_DIR|esdb://… --to esdb://…|DATA_DIR [--finish] [--json]

       Without --finish the source may go on working; repeat it as often as you like.
       With --finish the service has to be stopped: the source is closed for ever.`

const tellEveryMs = 1_000
/** Twice the time within which every process has noticed that its log was moved away. */
const settleMs = standingEveryMs * 2

/** One line a second at most, to stderr: the result alone is on stdout. */
const createTeller = (clock: OpenLogNeeds['clock'], source: OpenLog, target: OpenLog) => {
  let toldAt = clock.monotonic()
  const sentences: Readonly<Record<CopyProgress['doing'], string>> = {
    copying: `events copied from ${source.shown} to ${target.shown}`,
    comparing: 'events compared',
  }
  return ({ doing, events }: CopyProgress): void => {
    if (clock.monotonic() - toldAt < tellEveryMs) return
    toldAt = clock.monotonic()
    process.stderr.write(`${events} ${sentences[doing]}\n`)
  }
}

/** So that the copy can be audited, and a start on it is up to date at once. */
const buildReadModels = async (target: OpenLog, dataDir: string, needs: OpenLogNeeds) => {
  const { events } = target
  const { clock, random, log } = needs
  await using documents = await openSqliteDocumentStore({
    path: pathsOf(dataDir).documents,
    mode: 'write',
    clock,
  })
  const checkpoints = createCheckpoints({ events, documents, log })
  const readModels = createReadModels({ documents, clock })
  const counted = notificationsProjection as unknown as Projection
  const tallies = createTallies({ documents, readModels, log, counted, nameOf: checkpointName })
  const stores = { events, documents, checkpoints, readModels, tallies, clock, log }
  const projector = createProjector({ ...stores, crashPoints: unarmedCrashPoints })
  for (const projection of allProjections) {
    const { active } = await readModels.generations(projection)
    const enough = new AbortController()
    // Nobody else has what is made here.
    const tenure = { token: random.uuid(), signal: enough.signal, confirmed: async () => true }
    const following = projector.follow(projection, active, tenure)
    const caughtUp = () =>
      projector.progress.some((each) => each.projection === projection.name && each.caughtUp)
    while (!caughtUp()) await Promise.race([clock.sleep(10), following])
    enough.abort()
    await following
  }
}

const whatNext = (report: CopyReport, source: OpenLog, target: OpenLog): string => {
  const place = target.dataDir === undefined ? 'the cluster' : `PABAL_DATA_DIR=${target.dataDir}`
  if (!report.finished) {
    return `The target is marked as a copy: it can be audited, and nothing starts on it.
Repeat the command to bring what has come since; stop the service and add --finish to move.`
  }
  const key = source.dataDir === undefined ? 'PABAL_SECRET' : join(source.dataDir, 'secret.key')
  return `The source is closed for ever; the target is the log now. Before you start the service with ${place}:
the key of all keyed hashes is not in the log. Take it along: set PABAL_SECRET to what was in force at the
source (${key}). Without it no API key, no receipt and no suppressed address is recognised.
Read models are built from the log; they need not be moved.`
}

const tell = (report: CopyReport, source: OpenLog, target: OpenLog): string =>
  `${report.copied} events copied now; ${report.events} events in ${report.streams} streams are the same on both sides (${report.hash}).
${whatNext(report, source, target)}
`

/** Copies a log between any two kinds of log. Ctrl-C is harmless: the next run goes on where this one ended. */
export const runLog = async (args: string[], env: Env): Promise<number> => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      finish: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const { from, to, finish } = values
  if (positionals[0] !== 'copy' || from === undefined || to === undefined) return misused(usage)
  const clock = createSystemClock()
  const log = createPinoLog(parseConfig(env).logLevel)
  const needs = { clock, random: createSystemRandom(), log }
  // A source that is to be sealed is taken from everybody else first.
  await using source = await openLog(from, finish && hasLog(from) ? 'write' : 'read-only', needs)
  await using target = await openLog(to, 'write', needs)
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort())
  const report = await copyLog(
    {
      ...needs,
      ...{ source: source.events, target: target.events, signal: stopping.signal },
      onProgress: createTeller(clock, source, target),
    },
    { finish, settleMs: source.exclusive ? 0 : settleMs },
  )
  if (target.dataDir !== undefined) await buildReadModels(target, target.dataDir, needs)
  if (values.json) printJson({ ...report, source: source.shown, target: target.shown })
  else process.stdout.write(tell(report, source, target))
  return 0
}
