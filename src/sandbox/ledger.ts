import type { Provider } from './answers.ts'
import { providers } from './answers.ts'
import { attemptsMax, type Reference } from './reference.ts'
import { TextTable } from './text-table.ts'

export interface LedgerEntry {
  n: number
  /** Milliseconds since the epoch. */
  at: number
  provider: Provider
  to: string
  correlation: string
  attemptRef: string
  /** What was on the wire; 0 if no status was ever sent. */
  status: number
  behaviour: string
  /** A person would have been told. */
  taken: boolean
  bodyBytes: number
  contentHash: string
}

export interface LedgerRecord {
  provider: Provider
  to: string
  reference: Reference
  status: number
  behaviour: string
  taken: boolean
  bodyBytes: number
  /** SHA-256 of what the person would have read. */
  contentHash: Buffer
}

export interface LedgerSummary {
  requests: number
  taken: number
  /** Different correlations taken at least once; a request without a reference is its own. */
  deliveries: number
  duplicateSends: number
  byProvider: Partial<Record<Provider, number>>
  byStatus: Record<string, number>
}

const noAttempt = attemptsMax + 1
const hashBytes = 32
const firstCapacity = 1_024

const columns = (capacity: number) => ({
  at: new Float64Array(capacity),
  provider: new Uint8Array(capacity),
  to: new Uint32Array(capacity),
  correlation: new Uint32Array(capacity),
  attempt: new Uint16Array(capacity),
  status: new Uint16Array(capacity),
  behaviour: new Uint16Array(capacity),
  taken: new Uint8Array(capacity),
  bodyBytes: new Uint32Array(capacity),
  contentHash: new Uint8Array(capacity * hashBytes),
})
type Columns = ReturnType<typeof columns>

const grown = (old: Columns, capacity: number): Columns => {
  const next = columns(capacity)
  for (const name of Object.keys(old) as (keyof Columns)[]) next[name].set(old[name])
  return next
}

/** Every send request that reached a provider, in columns: about 200 bytes each with its texts. */
export class Ledger {
  #columns = columns(firstCapacity)
  #size = 0
  #cleared = 0
  #texts = new TextTable()
  #correlations = new TextTable()
  #takenOf = new Uint16Array(firstCapacity)
  #summary: LedgerSummary = emptySummary()

  record(entry: LedgerRecord): void {
    const i = this.#size++
    if (i === this.#columns.at.length) this.#columns = grown(this.#columns, i * 2)
    const { correlation, attempt } = entry.reference
    const correlationId = this.#correlations.idOf(correlation)
    const to = this.#columns
    to.at[i] = Date.now()
    to.provider[i] = providers.indexOf(entry.provider)
    to.to[i] = this.#texts.idOf(entry.to)
    to.correlation[i] = correlationId
    to.attempt[i] = attempt ?? noAttempt
    to.status[i] = entry.status
    to.behaviour[i] = this.#texts.idOf(entry.behaviour)
    to.taken[i] = entry.taken ? 1 : 0
    to.bodyBytes[i] = entry.bodyBytes
    to.contentHash.set(entry.contentHash, i * hashBytes)
    this.#count(entry, correlation === '' ? undefined : correlationId)
  }

  /** Those numbered above `after`; the number of an entry never changes, and `clear` does not give it again. */
  entries(after = 0): LedgerEntry[] {
    return [...this.read(after)]
  }

  /** Reads on while others write; ends where the ledger ends at that moment. */
  *read(after = 0): Generator<LedgerEntry, void, undefined> {
    for (let n = Math.max(after, this.#cleared) + 1; n <= this.#cleared + this.#size; n++)
      yield this.#entry(n - this.#cleared - 1, n)
  }

  byCorrelation(): Map<string, LedgerEntry[]> {
    return Map.groupBy(this.read(), (entry) => entry.correlation)
  }

  summary(): LedgerSummary {
    const { byProvider, byStatus, ...numbers } = this.#summary
    return { ...numbers, byProvider: { ...byProvider }, byStatus: { ...byStatus } }
  }

  clear(): void {
    this.#cleared += this.#size
    this.#size = 0
    this.#columns = columns(firstCapacity)
    this.#texts = new TextTable()
    this.#correlations = new TextTable()
    this.#takenOf = new Uint16Array(firstCapacity)
    this.#summary = emptySummary()
  }

  #count(entry: LedgerRecord, correlationId: number | undefined): void {
    const summary = this.#summary
    summary.requests++
    summary.byProvider[entry.provider] = (summary.byProvider[entry.provider] ?? 0) + 1
    summary.byStatus[entry.status] = (summary.byStatus[entry.status] ?? 0) + 1
    if (!entry.taken) return
    summary.taken++
    if (correlationId === undefined || this.#takenBefore(correlationId) === 0) summary.deliveries++
    else summary.duplicateSends++
  }

  #takenBefore(correlationId: number): number {
    if (correlationId >= this.#takenOf.length) {
      const wider = new Uint16Array(Math.max(correlationId + 1, this.#takenOf.length * 2))
      wider.set(this.#takenOf)
      this.#takenOf = wider
    }
    const before = this.#takenOf[correlationId]!
    this.#takenOf[correlationId] = Math.min(before + 1, 0xffff)
    return before
  }

  #entry(i: number, n: number): LedgerEntry {
    const from = this.#columns
    const correlation = this.#correlations.text(from.correlation[i]!)
    const attempt = from.attempt[i]!
    const hash = from.contentHash.subarray(i * hashBytes, (i + 1) * hashBytes)
    return {
      n,
      at: from.at[i]!,
      provider: providers[from.provider[i]!]!,
      to: this.#texts.text(from.to[i]!),
      correlation,
      attemptRef: attempt === noAttempt ? correlation : `${correlation}.${attempt}`,
      status: from.status[i]!,
      behaviour: this.#texts.text(from.behaviour[i]!),
      taken: from.taken[i] === 1,
      bodyBytes: from.bodyBytes[i]!,
      contentHash: Buffer.from(hash).toString('hex'),
    }
  }
}

const emptySummary = (): LedgerSummary => ({
  requests: 0,
  taken: 0,
  deliveries: 0,
  duplicateSends: 0,
  byProvider: {},
  byStatus: {},
})
