import type { ReceiptPlan } from './answers.ts'

export interface Receipt {
  kind: string
  code: string | number | undefined
  delayMs: number
  times: number
}

const lateFactor = 10

/** Spreads the receipts over the delay: the last one comes when it is over. */
export const planReceipts = (
  plan: ReceiptPlan | undefined,
  usual: readonly string[],
  receiptDelayMs: number,
): Receipt[] => {
  const kinds = plan?.kinds ?? usual
  const ordered = plan?.reversed ? kinds.toReversed() : kinds
  const lastMs = (plan?.delayMs ?? receiptDelayMs) * (plan?.late ? lateFactor : 1)
  return ordered.map((kind, i) => ({
    kind,
    code: plan?.code,
    delayMs: plan?.early ? 0 : (lastMs * (i + 1)) / ordered.length,
    times: plan?.times ?? 1,
  }))
}
