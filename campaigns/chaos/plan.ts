import { chance } from '#sandbox/seeded.ts'

export const faultKinds = [
  'pabal-killed',
  'pabal-frozen',
  'nats-restarted',
  'nats-wiped',
  'mongodb-stopped',
  'read-models-dropped',
  'eventstore-killed',
  'replies-lost',
] as const
export type FaultKind = (typeof faultKinds)[number]

export interface PlannedFault {
  readonly kind: FaultKind
  /** Since the load began. */
  readonly atMs: number
  readonly lastsMs: number
  /** Of the processes of Pabal. */
  readonly process?: number
  /** Decides what else there is to choose; 0 to 1. */
  readonly draw: number
}

/** What befalls one program, or two of a kind, one after the other. Tracks run beside each other. */
interface Track {
  readonly name: string
  readonly faults: readonly { readonly kind: FaultKind; readonly process?: number }[]
  /** One in this time on average, when there is enough of it; each of `faults` comes at least once. */
  readonly everyMs: number
}

/** Of the usual cluster: two that any number may be of, two that stand by for each other. */
const tracks: readonly Track[] = [
  {
    name: 'workers',
    everyMs: 15_000,
    faults: [0, 1].flatMap((process) => [
      { kind: 'pabal-killed' as const, process },
      { kind: 'pabal-frozen' as const, process },
    ]),
  },
  {
    name: 'singletons',
    everyMs: 30_000,
    faults: [2, 3].flatMap((process) => [
      { kind: 'pabal-killed' as const, process },
      { kind: 'pabal-frozen' as const, process },
    ]),
  },
  { name: 'queue', everyMs: 30_000, faults: [{ kind: 'nats-restarted' }, { kind: 'nats-wiped' }] },
  {
    name: 'documents',
    // All of the log is read again after a drop, and there is more of it each time.
    everyMs: 240_000,
    faults: [{ kind: 'read-models-dropped' }, { kind: 'mongodb-stopped' }],
  },
  {
    name: 'log',
    everyMs: 30_000,
    faults: [{ kind: 'eventstore-killed' }, { kind: 'replies-lost' }],
  },
]

/** Shortest and longest; a frozen process outlasts the lease of 15 s now and then. */
const lasting: Readonly<Record<FaultKind, readonly [minMs: number, maxMs: number]>> = {
  'pabal-killed': [100, 4_000],
  'pabal-frozen': [1_000, 24_000],
  'nats-restarted': [100, 5_000],
  'nats-wiped': [100, 5_000],
  'mongodb-stopped': [30_000, 30_000],
  'read-models-dropped': [0, 0],
  'eventstore-killed': [500, 5_000],
  'replies-lost': [1_000, 6_000],
}
/** So much of its time is left to get over a fault before the next one of the track. */
const faultShareMax = 0.6

const planTrack = (
  { name, faults, everyMs }: Track,
  seed: number,
  durationMs: number,
): readonly PlannedFault[] => {
  const count = Math.max(faults.length, Math.round(durationMs / everyMs))
  const slotMs = durationMs / count
  return Array.from({ length: count }, (_, index) => {
    const draw = (what: string): number => chance(seed, `${name} ${what} ${index}`)
    const [minMs, maxMs] = lasting[faults[index % faults.length]!.kind]
    const lastsMs = Math.min(minMs + (maxMs - minMs) * draw('lasts'), slotMs * faultShareMax)
    const atMs = slotMs * index + (slotMs - lastsMs) * draw('at')
    const { kind, process } = faults[index % faults.length]!
    const times = { atMs: Math.round(atMs), lastsMs: Math.round(lastsMs) }
    return { kind, ...times, draw: draw('draw'), ...(process !== undefined && { process }) }
  })
}

/** One list for each track, in order of time: all of it from the seed. */
export const planFaults = (options: {
  readonly seed: number
  readonly durationMs: number
}): readonly (readonly PlannedFault[])[] =>
  tracks.map((track) => planTrack(track, options.seed, options.durationMs))

export type FaultCounts = Readonly<Record<FaultKind, number>>

export const noFaults = (): Record<FaultKind, number> =>
  Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>

/** Kinds that were planned and never happened: then the campaign has not tried what it says. */
export const missedKinds = (
  plan: readonly (readonly PlannedFault[])[],
  happened: FaultCounts,
): readonly FaultKind[] => {
  const planned = new Set(plan.flat().map(({ kind }) => kind))
  return faultKinds.filter((kind) => planned.has(kind) && happened[kind] === 0)
}
