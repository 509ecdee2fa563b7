/** What `npm run bench -- --json` prints as its last line. */
export interface Figures {
  readonly acceptPerSecond: number
  readonly acceptP50Ms: number
  readonly acceptP99Ms: number
  readonly endToEndPerSecond: number
  readonly replayEventsPerSecond: number
  readonly rssMb: number
  readonly idleCpuPercent: number
  readonly bytesPerNotification: number
  readonly synchronous: number
}

/** What `--cluster` prints: the same, and how the parts follow. No `synchronous`: servers have no such number. */
export interface ClusterFigures extends Figures {
  /** From the moment a request was due until a provider had the message, at 500/s. */
  readonly acceptToProviderP50Ms: number
  readonly acceptToProviderP99Ms: number
  /** As `endToEndPerSecond`, with a second process that has the channels. */
  readonly endToEndTwoChannelsPerSecond: number
  readonly relayEventsPerSecond: number
  readonly feedEventsPerSecond: number
  /** User and system time of the process for each event, relay and feed together. */
  readonly relayCpuMicros: number
  readonly projectorEventsPerSecond: number
  readonly projectorCpuMicros: number
}

/** The smallest value that at least `share` of all values do not exceed (nearest rank). */
export const percentile = (values: readonly number[], share: number): number => {
  if (values.length === 0) return Number.NaN
  const sorted = Float64Array.from(values).sort()
  const rank = Math.ceil(share * sorted.length)
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1]!
}

export const median = (values: readonly number[]): number => {
  if (values.length === 0) return Number.NaN
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle]!
  return (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Whole numbers from 100 on, else two decimals: nobody can measure more here. */
export const rounded = (value: number): number =>
  Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 100) / 100

export const perSecond = (count: number, ms: number): number => (count / ms) * 1_000

/** One line of JSON; what could not be measured is `null`. */
export const figuresLine = (figures: Partial<ClusterFigures>): string =>
  JSON.stringify(
    Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, rounded(value)])),
  )

const units: Readonly<Record<keyof ClusterFigures, readonly [label: string, unit: string]>> = {
  acceptPerSecond: ['accepted, flat out', '/s'],
  acceptP50Ms: ['accept, median at 1,000/s', 'ms'],
  acceptP99Ms: ['accept, p99 at 1,000/s', 'ms'],
  endToEndPerSecond: ['end to end', '/s'],
  replayEventsPerSecond: ['replay', 'events/s'],
  rssMb: ['memory of the service (RSS)', 'MB'],
  idleCpuPercent: ['CPU when idle', '%'],
  bytesPerNotification: ['on disk', 'bytes a notification'],
  synchronous: ['PRAGMA synchronous of the log', '(2 is FULL)'],
  acceptToProviderP50Ms: ['to the provider, median at 500/s', 'ms'],
  acceptToProviderP99Ms: ['to the provider, p99 at 500/s', 'ms'],
  endToEndTwoChannelsPerSecond: ['end to end, 2 with channels', '/s'],
  relayEventsPerSecond: ['relay', 'events/s'],
  feedEventsPerSecond: ['feed to other services', 'events/s'],
  relayCpuMicros: ['CPU of relay and feed', 'µs an event'],
  projectorEventsPerSecond: ['projector', 'events/s'],
  projectorCpuMicros: ['CPU of the projector', 'µs an event'],
}

export const figuresTable = (figures: Partial<ClusterFigures>): string =>
  (Object.entries(figures) as [keyof ClusterFigures, number][])
    .filter(([, value]) => !Number.isNaN(value))
    .map(([name, value]) => {
      const [label, unit] = units[name]
      const number = rounded(value).toLocaleString('en')
      return `  ${label.padEnd(34)}${number.padStart(10)} ${unit}`
    })
    .join('\n')
