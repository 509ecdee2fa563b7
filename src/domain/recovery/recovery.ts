import { type RecordedFact, UnknownEvent } from '../recorded-fact.ts'

/**
 * Marks from which the agenda is rebuilt after the read models were lost, without reading the whole log.
 *
 * What a mark says holds whatever clocks did: of the notifications that were open when everything up to
 * its `position` had been folded, each is listed, or was requested later than the newest time recorded up to
 * `from`; so its first event lies behind `from`.
 */
export const recoveryStream = 'pabal-recovery'

/** Where a follower had come, so that it can be found again: the event, and the position before it. */
export interface LogPlace {
  readonly position: string
  readonly eventId: string
  readonly before?: string
}

export interface RecoveryEvents {
  RecoveryListed: {
    /** The oldest open notifications, and parked ones. */
    readonly open: readonly string[]
    readonly parked: readonly string[]
  }
  RecoveryMarked: {
    /** Where the read model stood. */
    readonly place: LogPlace
    /** No event up to there was recorded at a later time; milliseconds since the epoch. */
    readonly newestAt: number
    /** Recovery folds what comes after this; absent: the whole log. */
    readonly from?: LogPlace & { readonly newestAt: number }
    /** The stream that holds the lists; absent: nothing was open or parked. */
    readonly list?: string
  }
}
export type RecoveryEventType = keyof RecoveryEvents

export type RecoveryEvent = {
  readonly [T in RecoveryEventType]: { readonly type: T; readonly data: RecoveryEvents[T] }
}[RecoveryEventType]

type Marked = RecoveryEvents['RecoveryMarked']
export type Point = LogPlace & { readonly newestAt: number }

export interface Recovery {
  readonly revision: number
  /** Where the read model stood at each mark, oldest first. */
  readonly points: readonly Point[]
  readonly last?: Marked
  /** When the last mark was made; milliseconds since the epoch. */
  readonly markedAt?: number
  /** Of a stream that holds lists. */
  readonly listed?: RecoveryEvents['RecoveryListed']
}

export const evolveRecovery = (state: Recovery | undefined, fact: RecordedFact): Recovery => {
  if (fact.schemaVersion !== 1) throw new UnknownEvent(fact.type, fact.schemaVersion)
  const before = { points: [], ...state, revision: fact.revision }
  switch (fact.type as RecoveryEventType) {
    case 'RecoveryListed':
      return { ...before, listed: fact.data as RecoveryEvents['RecoveryListed'] }
    case 'RecoveryMarked': {
      const last = fact.data as unknown as Marked
      const points = [...before.points, pointOf(last)].slice(-pointsMax)
      return { ...before, points, last, markedAt: Date.parse(fact.metadata.at) }
    }
    default:
      throw new UnknownEvent(fact.type, fact.schemaVersion)
  }
}

/** Hourly ones of twelve weeks. What has been open for longer, and is not listed, means the whole log. */
const pointsMax = 2_000

const pointOf = ({ place, newestAt }: Marked): Point => ({ ...place, newestAt })

export interface MarkCommand {
  readonly do: 'mark'
  readonly place: LogPlace
  readonly newestAt: number
  /** When the oldest open notification that is not listed was requested; absent: all are listed. */
  readonly unlistedSince?: number
  readonly list?: string
}

/**
 * The newest place from which all that is open and not listed is met: at none of the events up to there was
 * it that late, so what was requested then comes after it.
 */
export const decideRecovery = (
  state: Recovery | undefined,
  command: MarkCommand,
): readonly RecoveryEvent[] => {
  const { place, newestAt, unlistedSince = Infinity, list } = command
  if (state?.last?.place.position === place.position) return []
  const points = [...(state?.points ?? []), { ...place, newestAt }]
  const from = points.findLast((point) => point.newestAt < unlistedSince)
  return [
    {
      type: 'RecoveryMarked',
      data: { place, newestAt, ...(from && { from }), ...(list && { list }) },
    },
  ]
}
