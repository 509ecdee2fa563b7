import type { Outcome } from '#ports/channel.ts'

/** What was answered, as far as the tables look at it. */
export type Answer = Readonly<Record<string, string | number | undefined>>

/** Matches an answer that has all that `when` has. The first row that matches counts. */
export interface Row<Is extends string = Outcome['is']> {
  readonly when: Readonly<Record<string, string | number>>
  readonly is: Is
  /** Ours; absent: the provider's, or the status. */
  readonly code?: string
  /** For people. Never the provider's own words: they quote addresses and content. */
  readonly reason: string
  /** Of `retry`, where the provider named no time. */
  readonly afterMs?: number
}

export const rowFor = <Is extends string>(
  table: readonly Row<Is>[],
  answer: Answer,
): Row<Is> | undefined =>
  table.find(({ when }) => Object.keys(when).every((key) => answer[key] === when[key]))

/** The codes of providers are short words and numbers; what is not is left out. */
const codeOf = (value: string | number | undefined): string | undefined =>
  value !== undefined && /^[\w.-]{1,64}$/.test(String(value)) ? String(value) : undefined

const reasonCharsMax = 200

/** Guards the log: an unknown answer is `ambiguous` and somebody has to look, it is never final. */
export const unknownAnswer = (answer: Answer): Extract<Outcome, { is: 'ambiguous' }> => {
  const said = [answer.status, codeOf(answer.code)].filter((part) => part !== undefined).join(' ')
  const reason = `The provider answered what no row of the table knows: ${said || 'nothing'}.`
  return { is: 'ambiguous', code: 'unknown-answer', reason: reason.slice(0, reasonCharsMax) }
}

interface Said {
  readonly providerMessageId?: string | undefined
  readonly afterMs?: number | undefined
  readonly evidence?: Readonly<Record<string, string | number>> | undefined
  /** Added to the reason: names of fields, nothing that quotes the message. */
  readonly detail?: string | undefined
}

export const outcomeFor = (table: readonly Row[], answer: Answer, said: Said = {}): Outcome => {
  const row = rowFor(table, answer)
  if (row === undefined) return unknownAnswer(answer)
  const code = row.code ?? codeOf(answer.code) ?? String(answer.status ?? 'none')
  const detail = codeOf(said.detail)
  const reason = (detail ? `${row.reason} (${detail})` : row.reason).slice(0, reasonCharsMax)
  switch (row.is) {
    case 'delivered':
    case 'accepted': {
      const { providerMessageId } = said
      return providerMessageId === undefined ? { is: row.is } : { is: row.is, providerMessageId }
    }
    case 'ambiguous':
      return { is: row.is, code, reason }
    case 'retry': {
      const afterMs = said.afterMs ?? row.afterMs
      return { is: row.is, code, reason, ...(afterMs === undefined ? {} : { afterMs }) }
    }
    default:
      return { is: row.is, code, reason, ...(said.evidence ? { evidence: said.evidence } : {}) }
  }
}

/** What a producer gave is checked or encoded before; a line break at the end of a key is what is left. */
export const unsendableRow: Row = {
  when: { failure: 'not-sent', code: 'unsendable' },
  is: 'config',
  reason: 'The request cannot be written as HTTP: is there a line break in a credential?',
}

/** How every table ends: what the wire says when there was no answer. */
export const wireRows: readonly Row[] = [
  {
    when: { failure: 'not-sent' },
    is: 'retry',
    reason: 'Nothing was sent: the provider could not be reached in time.',
  },
  {
    when: { failure: 'maybe-sent' },
    is: 'ambiguous',
    reason: 'The request was sent, a whole answer did not come.',
  },
]
