import type { Attempt } from './state.ts'

/**
 * Facts about one attempt come in any order: the provider's answer, a time-out that declared it lost, and
 * receipts, late or repeated. The strongest fact stands; a total order makes the merge commutative,
 * associative and idempotent, so that every order of arrival ends in the same state.
 */
const strength = (attempt: Attempt): number => {
  switch (attempt.outcome) {
    case undefined:
      return 0
    case 'delivered':
      return 7
    case 'accepted':
      return 4
    case 'ambiguous':
      if (attempt.evidence === 'receipt') return 5
      return attempt.evidence === 'resolve' ? 1 : 2
    default:
      if (attempt.evidence !== 'receipt') return 3
      return attempt.final ? 6 : 5
  }
}

/** Everything in which two facts about one attempt may differ, else the order of arrival would show. */
const tieText = (attempt: Attempt): string => {
  const { outcome, code, retryAt, outcomeAt, reason, evidence, final, receiptDueAt } = attempt
  const { at, deadline, contentHash } = attempt
  return JSON.stringify([
    ...[outcome, code, retryAt, outcomeAt, reason, evidence, final, receiptDueAt],
    ...[at, deadline, contentHash],
  ])
}

const stronger = (a: Attempt, b: Attempt): Attempt => {
  const difference = strength(a) - strength(b)
  if (difference !== 0) return difference > 0 ? a : b
  return tieText(a) <= tieText(b) ? a : b
}

const smaller = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined ? b : b === undefined ? a : a <= b ? a : b

/** Both describe the same attempt. */
export const mergeAttempts = (a: Attempt, b: Attempt): Attempt => {
  const winner = stronger(a, b)
  const providerMessageId = smaller(a.providerMessageId, b.providerMessageId)
  return {
    ...winner,
    ...(providerMessageId !== undefined && { providerMessageId }),
    ...((a.unconfirmed || b.unconfirmed) && { unconfirmed: true as const }),
  }
}
