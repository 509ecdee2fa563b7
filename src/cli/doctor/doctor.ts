import { parseArgs } from 'node:util'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import type { Finding } from '#ports/finding.ts'
import type { Env } from '../../config.ts'
import { misused, printJson } from '../orders.ts'
import { examine } from './examine.ts'

const usage = `./pabal doctor [--streams N] [--json]

  --streams N   notifications, recipients and addresses that the log is to hold one day
                (default: the notifications that it holds)`

const marks: Readonly<Record<Finding['level'], string>> = {
  ok: 'ok',
  warning: 'warning',
  wrong: 'WRONG',
}
const count = (findings: readonly Finding[], level: Finding['level']): number =>
  findings.filter((each) => each.level === level).length

/** One line per finding, what matters most last, where it is still on the screen. */
export const told = (findings: readonly Finding[]): string => {
  const order = (['ok', 'warning', 'wrong'] as const).flatMap((level) =>
    findings.filter((each) => each.level === level),
  )
  const width = Math.max(...order.map(({ subject }) => subject.length))
  const lines = order.map(({ level, subject, message, code }) => {
    const text = level === 'ok' ? message : `${message} [${code}]`
    return `${marks[level].padEnd(8)} ${subject.padEnd(width)}  ${text}`
  })
  const wrong = count(findings, 'wrong')
  const warnings = count(findings, 'warning')
  const verdict = wrong === 0 ? 'Pabal can start' : `${wrong} wrong: Pabal must not start like this`
  return `${lines.join('\n')}\n\n${verdict}; ${warnings} to look at. docs/errors.md explains the codes.\n`
}

/** Says in words what is wrong with settings, stores and providers. Exit code 1 when something is. */
export const runDoctor = async (args: string[], env: Env): Promise<number> => {
  const { values } = parseArgs({
    args,
    options: { json: { type: 'boolean', default: false }, streams: { type: 'string' } },
  })
  const expectedStreams = values.streams === undefined ? undefined : Number(values.streams)
  if (expectedStreams !== undefined && !(expectedStreams > 0)) return misused(usage)
  const findings = await examine(env, {
    clock: createSystemClock(),
    ...(expectedStreams !== undefined && { expectedStreams }),
  })
  const healthy = count(findings, 'wrong') === 0
  if (values.json) printJson({ healthy, findings })
  else process.stdout.write(told(findings))
  return healthy ? 0 : 1
}
