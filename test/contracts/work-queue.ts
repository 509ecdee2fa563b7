import { describe } from 'vitest'
import type { DisposableWorkQueue } from '#ports/work-queue.ts'
import { fillingContract } from './work-queue-filling.ts'
import { handingContract } from './work-queue-handing.ts'
import { prioritiesContract } from './work-queue-priorities.ts'

export type OpenWorkQueue = () => Promise<DisposableWorkQueue>

/** Where an adapter may differ; what is not stated holds for all. */
export interface WorkQueueDifferences {
  /** Items that one lane and priority of an opened queue hold: at least 20. */
  readonly capacity: number
  /** Items of one lane and priority are handed out in the order of their publishing. Default: true. */
  readonly ordered?: boolean
  /** A notification waits once in a lane even under two priorities, which none has. Default: true. */
  readonly oncePerLane?: boolean
  /** An item may be published again while it is in flight; else it may be refused. Default: true. */
  readonly takesInFlight?: boolean
  /** A waiting item counts as waiting at once, and a taken one as taken. Default: true. */
  readonly exactDepths?: boolean
  /** How many items the longest test sends through. Default: 100,000. */
  readonly floodItems?: number
}

/** What every work queue does. `open` gives an empty one each time. */
export const workQueueContract = (
  adapter: string,
  open: OpenWorkQueue,
  differences: WorkQueueDifferences,
): void => {
  describe(`work queue: ${adapter}`, () => {
    handingContract(open, differences)
    prioritiesContract(open, differences)
    fillingContract(open, differences)
  })
}
