import { parseArgs } from 'node:util'
import { findPrograms, ProgramMissing, skippedExitCode } from '../../deploy/cluster/programs.ts'
import { say, wholeNumber } from '../command-line.ts'
import { runChaos } from './campaign.ts'
import { complaints, type Findings, resultOf } from './result.ts'

const usage = `npm run chaos -- [--minutes 2] [--seed 1] [--rate 20] [--json] [--keep]

  --minutes N   how long faults go on; it takes a few minutes more to come to an end
  --seed N      decides what is asked for and what goes wrong when
  --rate N      new notifications per second
  --json        one line of JSON at the end
  --keep        leave data and logs also when nothing was wrong

Ends with ${skippedExitCode} where a server's program is missing.
`
const complaintsShown = 40

const parse = (args: string[]) => {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '2' },
      seed: { type: 'string', default: '1' },
      rate: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const { json, keep, help } = values
  const minutes = wholeNumber('minutes', values.minutes)
  const rate = wholeNumber('rate', values.rate)
  if (minutes < 1 || rate < 1) throw new RangeError('--minutes and --rate must be at least 1.')
  const seed = wholeNumber('seed', values.seed)
  return { help, json, options: { minutes, rate, seed, ...(keep && { keep }) } }
}

const explain = (findings: Findings, wrong: readonly string[]): void => {
  for (const { open, tookMs } of findings.recoveries) {
    const took =
      tookMs === undefined ? 'did not come back' : `took ${(tookMs / 1_000).toFixed(1)} s`
    say(`Read models dropped: the due times of ${open} open notifications ${took}.`)
  }
  for (const line of wrong.slice(0, complaintsShown)) say(line)
  if (wrong.length > complaintsShown) say(`… and ${wrong.length - complaintsShown} more`)
  const { accepted, finished, parked } = findings.audit
  say(`${accepted} accepted = ${finished} finished + ${parked} parked.`)
}

const main = async (): Promise<number> => {
  const { options, json, help } = parse(process.argv.slice(2))
  if (help) {
    process.stdout.write(usage)
    return 0
  }
  const programs = findPrograms(process.env)
  // Leaving in a hurry ends all programs too: see deploy/cluster/program.ts.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  const findings = await runChaos({ ...options, programs, say })
  const wrong = complaints(findings)
  explain(findings, wrong)
  process.stdout.write(`${JSON.stringify(resultOf(findings), undefined, json ? 0 : 2)}\n`)
  return wrong.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof ProgramMissing)) throw error
  say(`Skipped. ${error.message}`)
  process.exitCode = skippedExitCode
}
