import type { ClockCheck } from '#handlers/clock-check.ts'
import type { CredentialsView } from '#handlers/credentials.ts'
import { createLeases, createSoleLeases, type Leases, type Tenure } from '#handlers/hold-lease.ts'
import { keepReadModels, type Supervise } from '#handlers/keep-read-models.ts'
import { createMatcher, matchEveryMs } from '#handlers/quarantine.ts'
import type { Receipts } from '#handlers/receipts.ts'
import { runRecoveryMarks } from '#handlers/recovery-marks.ts'
import { runRelay } from '#handlers/relay.ts'
import { runSweep } from '#handlers/sweep.ts'
import { runTimekeeper } from '#handlers/timekeeper.ts'
import type { WorkQueue } from '#ports/work-queue.ts'
import { allProjections } from '#projections/all.ts'
import { callbacksProjection } from '#projections/callbacks/callbacks.ts'
import { messagesProjection } from '#projections/messages/messages.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import type { Projection } from '#projections/projection.ts'
import type { Core } from './core.ts'

/** Follows the log beside the relay, wherever that is: for instance to tell other services. */
export interface Follower {
  readonly name: string
  /** Until the tenure ends; it is started again if it throws. */
  run(tenure: Tenure): Promise<void>
}

const asProjection = (projection: unknown): Projection => projection as Projection

export const leasesOf = ({ exclusive, ...core }: Core, holder: string): Leases =>
  exclusive ? createSoleLeases(core.random) : createLeases({ ...core, holder })

/** What the roles do that one process has at a time. Each resolves when its tenure is over. */
export const createSingletons = (needs: {
  readonly core: Core
  readonly queue: WorkQueue
  readonly receipts: Receipts
  readonly credentials: CredentialsView
  readonly supervise: Supervise
  readonly followers: readonly Follower[]
  /** How often what timers are rebuilt from is written into the log. */
  readonly recoveryMarkMs: number
  /** The relay has come to this position; `undefined`: it is not this process's any more. */
  readonly onPosition: (position: string | undefined) => void
}) => {
  const { core, queue, receipts, credentials, supervise, followers, onPosition } = needs
  const { toldEvents, documents, clock, log, crashPoints, checkpoints, readModels, board } = core

  const relay = async (tenure: Tenure): Promise<void> => {
    const relaying = supervise('relay', tenure.signal, () =>
      runRelay({ events: toldEvents, queue, checkpoints, clock, crashPoints, tenure, onPosition }),
    )
    const beside = followers.map((each) =>
      supervise(each.name, tenure.signal, () => each.run(tenure)),
    )
    await Promise.all([relaying, ...beside])
    onPosition(undefined)
  }

  const projector = (tenure: Tenure): Promise<void> =>
    keepReadModels({ ...core, projections: allProjections, supervise, tenure })

  const keepTime = ({ signal }: Tenure): Promise<void> => {
    const startedAt = clock.now()
    let caughtUpOnce = false
    /** While the read model lags, its own newest event is now: its lag must not feed itself. */
    const agendaTime = (): number | undefined => {
      const progress = board.progress.find(
        (each) => each.projection === notificationsProjection.name,
      )
      if (progress?.caughtUp || (progress && progress.foldedAt >= startedAt)) caughtUpOnce = true
      return board.heldUntil(asProjection(notificationsProjection))
    }
    return runTimekeeper({
      documents,
      collection: () => readModels.active(asProjection(notificationsProjection)),
      ...{ queue, clock, crashPoints, signal, agendaTime },
      caughtUpOnce: () => caughtUpOnce,
      isPaused: credentials.isPaused,
      isKnown: credentials.isKnown,
      onError: (error) => log.warn('The agenda could not be read.', { error: error as Error }),
    })
  }

  const matchReceipts = async ({ signal }: Tenure): Promise<void> => {
    const collections = async () => ({
      callbacks: await readModels.active(asProjection(callbacksProjection)),
      messages: await readModels.active(asProjection(messagesProjection)),
    })
    const match = createMatcher({
      ...{ ...core, collections, receipts },
      signal: core.patience.signal,
    })
    while (!signal.aborted) {
      await clock.sleep(matchEveryMs, signal)
      if (!signal.aborted) await match()
    }
  }

  const sweep = ({ signal }: Tenure): Promise<void> => {
    const expiring = allProjections.filter(({ expires }) => expires)
    const collections = () => Promise.all(expiring.map((each) => readModels.active(each)))
    return runSweep({ documents, collections, clock, signal })
  }

  const timekeeper = async (tenure: Tenure): Promise<void> => {
    const { signal } = tenure
    await Promise.all([
      supervise('timekeeper', signal, () => keepTime(tenure)),
      supervise('receipts', signal, () => matchReceipts(tenure)),
      supervise('expiry', signal, () => sweep(tenure)),
      supervise('recovery marks', signal, () =>
        runRecoveryMarks({ ...core, signal, everyMs: needs.recoveryMarkMs }),
      ),
    ])
  }

  return { relay, projector, timekeeper }
}

/**
 * Roles that only publish hints go on while nobody can say whether they are still ours: two at once cost
 * a read each, none costs time. A clock that is wrong keeps the wrong time.
 */
export const termsOf = (clockCheck: Pick<ClockCheck, 'isRight'>) => ({
  relay: { role: 'relay', evenUnsure: true },
  projector: { role: 'projector' },
  timekeeper: { role: 'timekeeper', evenUnsure: true, fit: () => clockCheck.isRight },
})
