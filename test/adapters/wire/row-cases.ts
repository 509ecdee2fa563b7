import { describe, expect, test } from 'vitest'
import type { Outcome } from '#ports/channel.ts'
import { type Row, rowFor } from '../../../src/adapters/wire/outcome-table.ts'
import { codeOf, reasonOf } from './channel-bench.ts'

/** One row of a table: the answer that is given over a socket, and what has to come of it. Neither is read from the table. */
export interface RowCase {
  readonly row: Row['when']
  readonly send: () => Promise<Outcome>
  readonly is: Outcome['is']
  readonly code?: string
  readonly more?: Readonly<Record<string, unknown>>
}

const nameOf = (when: Row['when']): string => Object.values(when).join(' ')

export const describeRows = (subject: string, table: readonly Row[], cases: readonly RowCase[]) =>
  describe(subject, () => {
    test('has one case for each row, in their order', () => {
      expect(cases.map(({ row }) => row)).toEqual(table.map(({ when }) => when))
    })

    test('has no row that an earlier one hides', () => {
      for (const row of table) expect(rowFor(table, row.when)).toBe(row)
    })

    for (const [i, { row, send, is, code, more }] of cases.entries())
      test(`${nameOf(row)} is ${is}`, async () => {
        const outcome = await send()
        expect({ is: outcome.is, code: codeOf(outcome) }).toEqual({ is, code: code ?? '' })
        if (code !== undefined) expect(reasonOf(outcome)).toContain(table[i]?.reason)
        if (more !== undefined) expect(outcome).toMatchObject(more)
      })
  })
