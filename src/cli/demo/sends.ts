import type { LedgerEntry } from '#sandbox/ledger.ts'

interface Sent {
  /** How often a person would have been told. */
  readonly taken: number
  /** A provider has taken it, or has said so. */
  readonly answered: boolean
}

/** What reached the providers, by `<notificationId>.<deliveryId>`. */
export type Sends = ReadonlyMap<string, Sent>

const isSuccess = (status: number): boolean => status >= 200 && status < 300

export const countSends = (
  entries: Iterable<Pick<LedgerEntry, 'correlation' | 'taken' | 'status'>>,
): Sends => {
  const sends = new Map<string, Sent>()
  for (const { correlation, taken, status } of entries) {
    const before = sends.get(correlation)
    sends.set(correlation, {
      taken: (before?.taken ?? 0) + (taken ? 1 : 0),
      answered: before?.answered === true || taken || isSuccess(status),
    })
  }
  return sends
}
