import type { LedgerEntry, LedgerSummary } from '#sandbox/ledger.ts'
import { linesOf } from './api-client.ts'
import { DemoFailure } from './failure.ts'

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

/** The sandbox's own account of what it was sent: the witness for both sides. */
export const createLedgerReader = (sandboxUrl: string, signal: AbortSignal) => {
  const get = async (path: string): Promise<Response> => {
    const answer = await fetch(new URL(path, sandboxUrl), { signal })
    if (answer.ok) return answer
    throw new DemoFailure(`The sandbox answered GET ${path} with ${answer.status}; see its log.`)
  }
  return {
    summary: async () => (await (await get('/ledger/summary')).json()) as LedgerSummary,
    async entries(): Promise<readonly LedgerEntry[]> {
      const entries: LedgerEntry[] = []
      for await (const line of linesOf((await get('/ledger')).body!)) entries.push(JSON.parse(line))
      return entries
    },
    /** Resolves when the providers have no receipt left to send. */
    idle: async () => void (await (await get('/idle')).text()),
  }
}

export type LedgerReader = ReturnType<typeof createLedgerReader>
