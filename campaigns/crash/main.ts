import { parseArgs } from 'node:util'
import { say, wholeNumber } from '../command-line.ts'
import { type CampaignReport, runCampaign } from './campaign.ts'
import { isGood, missedPoints, resultOf } from './result.ts'
import { sabotageNames } from './sabotage.ts'

const usage = `npm run crash -- [--kills 50] [--seed 1] [--json] [--keep] [--sabotage ${sabotageNames.join('|')}]`
const problemsShown = 20

const parse = (args: string[]) => {
  const { values } = parseArgs({
    args,
    options: {
      kills: { type: 'string', default: '50' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      sabotage: { type: 'string' },
    },
  })
  const sabotage = sabotageNames.find((name) => name === values.sabotage)
  if (values.sabotage !== undefined && !sabotage) throw new RangeError(usage)
  const kills = wholeNumber('kills', values.kills)
  const seed = wholeNumber('seed', values.seed)
  const { json, keep } = values
  return { kills, seed, json, ...(keep && { keep }), ...(sabotage && { sabotage }) }
}

const explain = (report: CampaignReport, missed: readonly string[]): void => {
  const { problems, seconds } = report
  for (const { is, what } of problems.slice(0, problemsShown)) say(`${is}: ${what}`)
  if (problems.length > problemsShown) say(`… and ${problems.length - problemsShown} more`)
  for (const point of missed) {
    say(`${point}: ${report.byPoint[point]} kills of ${report.planned[point]} asked for`)
  }
  say(`${report.kills} kills in ${seconds} s.`)
}

const main = async (): Promise<number> => {
  const { json, ...options } = parse(process.argv.slice(2))
  const report = await runCampaign({ ...options, say })
  const missed = missedPoints(report)
  explain(report, missed)
  process.stdout.write(`${JSON.stringify(resultOf(report), undefined, json ? 0 : 2)}\n`)
  return isGood(report) ? 0 : 1
}

process.exitCode = await main()
