import type { LedgerSummary } from '#sandbox/ledger.ts'
import type { Tally } from './tally.ts'

type Row = readonly [name: string, count: number, meaning: string]

export const count = (value: number): string => value.toLocaleString('en-US')

const rowsOf = (tally: Tally): readonly Row[] => [
  ['accepted', tally.accepted, 'answered with 202: on disk, and from then on never lost'],
  [
    '  delivered',
    tally.delivered,
    'a push was taken, or a receipt says that SMS or e-mail arrived',
  ],
  ['  unconfirmed', tally.unconfirmed, 'a provider took it, and its receipt never came'],
  ['  suppressed', tally.suppressed, 'not sent on purpose: opted out, or no address is left'],
  ['  failed', tally.failed, 'every way to this person ended in a final no'],
  ['  expired', tally.expired, 'too late to be of use'],
  ['  parked', tally.parked, 'given up after three unknown fates; waits for a person'],
  ['  pending', tally.pending, 'still under way; must be 0'],
  ['  lost', tally.lost, 'accepted, and nothing came of it; must be 0'],
]

const moreRowsOf = (tally: Tally): readonly Row[] => [
  ['asked again', tally.replayed, 'second reports, and lines whose answer was lost: first answer'],
  ['', Number.NaN, 'given again, nothing sent'],
  ['provider sends', tally.providerSends, 'requests that reached a provider, tries again included'],
  ['ambiguous', tally.ambiguous, 'attempts whose answer was lost, recorded as such'],
  [
    'duplicate sends',
    tally.duplicateSends,
    'sent again though it had arrived after all: told twice',
  ],
  [
    '  unexplained',
    tally.unexplainedDuplicates,
    'without an ambiguous attempt on record; must be 0',
  ],
  ['kills', tally.kills, 'SIGKILLs of the service while it worked'],
]

const line = ([name, value, meaning]: Row): string =>
  `  ${name.padEnd(16)}${(Number.isNaN(value) ? '' : count(value)).padStart(9)}   ${meaning}`

const providersLine = ({ byProvider }: LedgerSummary): string => {
  const parts = Object.entries(byProvider).map(([name, sends]) => `${name} ${count(sends)}`)
  return `  ${''.padEnd(25)}   ${parts.join(' · ')}`
}

/** What became of everything, for somebody who sees it for the first time. */
export const resultTable = (tally: Tally, summary: LedgerSummary): string => {
  const more = moreRowsOf(tally).flatMap((row) =>
    row[0] === 'provider sends' ? [line(row), providersLine(summary)] : [line(row)],
  )
  return ['What became of the alerts', '', ...rowsOf(tally).map(line), '', ...more].join('\n')
}
