/** What can go wrong with an append (of either kind). */
export type AppendFault =
  /** Nothing is written and nothing is answered. */
  | 'lost-request'
  /** It is written and nothing is answered. */
  | 'no-reply'
  /** It is written and answered after `ms`. */
  | 'late-reply'
  /** All connections are cut, before or after it was written. */
  | 'drop-before'
  | 'drop-after'
  /** Refused in words that the client does not know: nothing is written. */
  | 'too-busy'
  | 'not-leader'
  | 'access-denied'

/** What can go wrong with a read or a subscription when it is opened. */
export type ReadFault =
  | 'read-not-leader'
  | 'read-no-reply'
  | 'read-unavailable'
  | 'read-access-denied'
  /** A subscription is confirmed and then gives nothing, for ever. */
  | 'mute'
  /** After `after` events (default 1): a clean end; the error of a slow consumer; a cut connection. */
  | 'end-stream'
  | 'abort-stream'
  | 'drop-stream'
  /** `ms` between two messages. */
  | 'slow-stream'
  /** Each event twice, and all of the last ten once more at every tenth. */
  | 'duplicates'
  /** A checkpoint frame after each event, so that they run ahead of whoever reads slowly. */
  | 'checkpoints'

export type FaultKind = AppendFault | ReadFault | 'features-internal'

export interface Fault {
  readonly kind: FaultKind
  /** How often it strikes; default 1. */
  readonly times?: number
  /** Only for streams whose name begins so. */
  readonly stream?: string
  readonly ms?: number
  readonly after?: number
}

export interface Faults {
  arm(fault: Fault): void
  clear(): void
  /** Takes one strike of the first armed fault of these kinds. */
  take(kinds: readonly FaultKind[], stream?: string): Fault | undefined
  /** How often each kind struck. */
  struck(): Readonly<Record<string, number>>
}

export const appendFaults: readonly AppendFault[] = [
  ...(['lost-request', 'no-reply', 'late-reply', 'drop-before', 'drop-after'] as const),
  ...(['too-busy', 'not-leader', 'access-denied'] as const),
]
export const readFaults: readonly ReadFault[] = [
  ...(['read-not-leader', 'read-no-reply', 'read-unavailable', 'read-access-denied'] as const),
]
export const subscriptionFaults: readonly ReadFault[] = [
  ...(['mute', 'end-stream', 'abort-stream', 'drop-stream', 'slow-stream'] as const),
  ...(['duplicates', 'checkpoints'] as const),
]

const known: ReadonlySet<string> = new Set([
  ...appendFaults,
  ...readFaults,
  ...subscriptionFaults,
  'features-internal',
])

export const createFaults = (): Faults => {
  let armed: { fault: Fault; left: number }[] = []
  const counts: Record<string, number> = {}
  return {
    arm(fault) {
      if (!known.has(fault.kind)) throw new RangeError(`There is no fault ${fault.kind}.`)
      armed.push({ fault, left: fault.times ?? 1 })
    },
    clear() {
      armed = []
    },
    take(kinds, stream = '') {
      const found = armed.find(
        ({ fault }) => kinds.includes(fault.kind) && stream.startsWith(fault.stream ?? ''),
      )
      if (found === undefined) return undefined
      found.left--
      if (found.left <= 0) armed = armed.filter((each) => each !== found)
      counts[found.fault.kind] = (counts[found.fault.kind] ?? 0) + 1
      return found.fault
    },
    struck: () => ({ ...counts }),
  }
}
