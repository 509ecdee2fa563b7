import type { Clock } from '#ports/clock.ts'
import type { LedgerSummary } from '#sandbox/ledger.ts'
import type { Env } from '../../config.ts'
import { openApiClient } from './api-client.ts'
import { type Audit, audit } from './audit.ts'
import { checkStatuses } from './check-statuses.ts'
import { openClusterProcesses } from './cluster-processes.ts'
import { chooseExamples, explainExample } from './examples.ts'
import { openProcesses } from './processes.ts'
import { register } from './register.ts'
import { createSandboxClient } from './sandbox-client.ts'
import type { Screen } from './screen.ts'
import { sendAndWatch } from './send-and-watch.ts'
import { countSends } from './sends.ts'
import { type DemoSettings, faultMix, shortened } from './settings.ts'
import { count, resultTable } from './table.ts'
import { isClean, type Tally, tally } from './tally.ts'
import { askedTwiceIn, introduction, makeWorld } from './world.ts'

export interface Surroundings {
  readonly settings: DemoSettings
  readonly clock: Clock
  readonly screen: Screen
  /** Aborted by Ctrl-C, and by us when something is beyond repair. */
  readonly stopping: AbortController
  readonly directory: string
  /** Where the programs of a cluster's servers are. */
  readonly env: Env
}

const shortenedText = (): string => {
  const lines = shortened.map(
    ({ variable, is, instead }) =>
      `  ${variable.padEnd(34)} ${is.padStart(6)}  instead of ${instead}`,
  )
  return ['Shortened by settings, so that nobody waits for hours:', ...lines].join('\n')
}

/** What the checks at the end have found, in words. */
const checksText = (
  result: Tally,
  statuses: { readonly asked: number; readonly different: readonly string[] },
  { ok, text }: Audit,
): string => {
  const mark = (good: boolean) => (good ? 'ok     ' : 'WRONG  ')
  const { asked, different } = statuses
  const { delivered, unconfirmed, suppressed, failed, expired, parked, pending, lost } = result
  const sum = delivered + unconfirmed + suppressed + failed + expired + parked + pending + lost
  return [
    'Checked',
    `  ${mark(isClean(result))}no id with a 202 is lost or left over, no send is unexplained`,
    `  ${mark(result.accepted === sum)}accepted = the sum of what became of it`,
    `  ${mark(different.length === 0)}${asked} statuses asked for over HTTP say what the log says`,
    ...different.map((id) => `           not ${id}`),
    `  ${mark(ok)}./pabal audit verify: ${text.replaceAll('\n', '\n         ')}`,
  ].join('\n')
}

const whereNext = (lookAgain: string, keep: boolean): string => {
  const data = keep
    ? `  ${lookAgain}`
    : '  npm run demo -- --keep             leaves the data for ./pabal audit show'
  return [
    'Where to look next',
    data,
    '  ./pabal start --sandbox            the same service, for your own curl',
    '  docs/architecture.md               how it does that',
    '  src/cli/demo/                      this demo; npm run demo -- --help for its options',
  ].join('\n')
}

/** The demo from start to end. Throws when it cannot go on. */
export const runDemoIn = async (
  about: Surroundings,
): Promise<{ readonly tally: Tally; readonly clean: boolean }> => {
  const { settings, clock, screen, stopping, directory } = about
  const { signal } = stopping
  const startedAt = clock.monotonic()
  const secondsNow = () => Math.round((clock.monotonic() - startedAt) / 100) / 10

  const world = makeWorld(settings)
  screen.say(`${introduction(world)}\n\n${shortenedText()}\n`)
  screen.progress('starting sandbox and service')
  const onDeath = (error: Error) => stopping.abort(error)
  const needs = { settings, directory, clock, signal, onDeath }
  await using processes = await (settings.cluster
    ? openClusterProcesses(needs, about.env)
    : openProcesses(needs))
  const { url, key, sandboxUrl } = processes
  const sandbox = createSandboxClient(sandboxUrl, signal)
  await sandbox.setFaults(settings.faultRate, faultMix)
  await using api = openApiClient({ url, key, clock, signal })
  screen.say(
    `${secondsNow()} s  Service on ${url}: ${processes.what}.\n       Simulated providers on ${sandboxUrl}:\n` +
      `       ${settings.faultRate * 100} % of what they are sent goes wrong.`,
  )
  const total = world.people.length
  await register(api, world.people, (done) =>
    screen.progress(`${count(done)} of ${count(total)} people registered`),
  )
  screen.say(
    `${secondsNow()} s  ${count(total)} people registered, a template published in two languages.`,
  )

  const { held, recorded } = await sendAndWatch({
    ...{ ...about, world, processes, api, sandbox, secondsNow },
  })
  const summary: LedgerSummary = await sandbox.summary()
  const sends = countSends(await sandbox.entries())
  const statuses = await checkStatuses({ api, ...recorded, clock, signal })
  const examples = chooseExamples(recorded.notifications, sends, askedTwiceIn(world))
  const explained: string[] = []
  for (const example of examples) explained.push(await explainExample(api, example))
  await processes.stopService()
  const audited = await audit(directory, processes.auditSettings)

  const { kills } = processes
  const result = tally({ held, recorded, sends, ledger: summary, kills, seconds: secondsNow() })
  const clean = isClean(result) && statuses.different.length === 0 && audited.ok
  screen.say(`\n${resultTable(result, summary)}\n`)
  screen.say(`${explained.join('\n\n')}\n`)
  screen.say(`${checksText(result, statuses, audited)}\n`)
  screen.say(`${whereNext(processes.lookAgain, settings.keep || !clean)}\n`)
  screen.say(`${clean ? 'All is well' : 'Something is wrong'} after ${result.seconds} s.`)
  return { tally: result, clean }
}
