import { notificationIdOf } from '#domain/identity.ts'
import { percentile } from '../figures.ts'

interface LedgerLine {
  readonly at: number
  /** The notification's id and the delivery's, parted by a dot. */
  readonly correlation: string
}

/** How long each of `count` requests took from when it was due until a provider had its message. */
export const providerLatencies = (
  lines: readonly LedgerLine[],
  requests: {
    readonly count: number
    eventIdOf(number: number): string
    dueAt(number: number): number
  },
): { readonly p50Ms: number; readonly p99Ms: number } => {
  const firstAt = new Map<string, number>()
  for (const { at, correlation } of lines) {
    const id = correlation.split('.', 1)[0]!
    firstAt.set(id, Math.min(at, firstAt.get(id) ?? at))
  }
  const latencies: number[] = []
  for (let number = 0; number < requests.count; number += 1) {
    const at = firstAt.get(notificationIdOf('default', requests.eventIdOf(number)))
    if (at === undefined) throw new Error(`Request ${number} never came to a provider.`)
    latencies.push(at - requests.dueAt(number))
  }
  return { p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) }
}

/** Of the sandbox, since it was cleared. */
export const readLedger = async (controlUrl: string): Promise<readonly LedgerLine[]> => {
  const text = await (await fetch(`${controlUrl}/ledger`)).text()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LedgerLine)
}

export const clearLedger = async (controlUrl: string): Promise<void> => {
  await fetch(`${controlUrl}/ledger`, { method: 'DELETE' })
}
