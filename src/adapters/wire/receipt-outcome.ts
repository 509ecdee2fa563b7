import type { Receipt } from '#ports/channel.ts'
import type { Row } from './outcome-table.ts'

export type ReceiptRow = Row<Receipt['outcome']['is']>

export const receiptOutcome = (row: ReceiptRow, code: string): Receipt['outcome'] => {
  const named = row.code ?? code
  switch (row.is) {
    case 'delivered':
      return { is: row.is }
    case 'accepted':
    case 'progress':
      return { is: row.is, code: named }
    default:
      return { is: row.is, code: named, reason: row.reason }
  }
}
