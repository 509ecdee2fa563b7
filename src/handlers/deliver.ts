import type { Channel } from '#domain/notification/events.ts'
import { next } from '#domain/notification/next.ts'
import type { Policies } from '#domain/notification/policy.ts'
import type { Delivery, Notification } from '#domain/notification/state.ts'
import { openAttempt } from '#domain/notification/status.ts'
import type { Clock } from '#ports/clock.ts'
import type { CrashPoints } from '#ports/crash-points.ts'
import { VersionConflict } from '#ports/errors.ts'
import type { Random } from '#ports/random.ts'
import type { WorkItem } from '#ports/work-queue.ts'
import type { AttemptSlot, AttemptSlots } from './attempt-slots.ts'
import type { Credentials, Permit } from './credentials.ts'
import { inBatches } from './in-batches.ts'
import { type Loaded, type Notifications, personalOf, stepsMax } from './notifications.ts'
import { bookkeeping, type createPrepare, type Prepared } from './prepare.ts'
import type { Fenced, Send } from './send.ts'

const actor = 'system:channels'
/** While no credentials are set, the agenda looks again this often. */
const pausedMs = 60_000

/** A delivery that may be sent now. */
interface Permitted {
  readonly delivery: Delivery
  readonly permit: Permit
}

/** Handles a channel's work: makes the attempts that are due, and books what time has decided. */
export const createDeliverer = (needs: {
  readonly notifications: Notifications
  readonly prepare: ReturnType<typeof createPrepare>
  readonly credentials: Credentials
  readonly send: Send
  /** Of each channel its own: one that hangs holds up no other. */
  readonly slots: Readonly<Record<Channel, AttemptSlots>>
  readonly policies: Policies
  readonly clock: Clock
  readonly random: Random
  readonly crashPoints: CrashPoints
  readonly signal: AbortSignal
}): ((item: WorkItem) => Promise<void>) => {
  const { notifications, prepare, credentials, send, slots, clock, crashPoints, signal } = needs

  /** Those that may be sent now. Without credentials that is said once; during a pause, not at all. */
  const permitted = async (deliveries: readonly Delivery[]) => {
    const go: Permitted[] = []
    const defer: string[] = []
    for (const delivery of deliveries) {
      const credential = credentials.get(delivery.credential)
      if (credential) {
        const permit = await credential.permit(signal)
        if (permit !== 'paused') go.push({ delivery, permit })
      } else if (delivery.deferReason !== 'provider-paused') defer.push(delivery.deliveryId)
    }
    return { go, defer }
  }

  const attempt = async (
    loaded: Loaded,
    state: Notification,
    go: readonly Permitted[],
    id: string,
    slot: AttemptSlot,
  ) => {
    try {
      const prepared = await Promise.all(
        go.map(async ({ delivery, permit }) => {
          return { ...(await prepare(loaded, state, delivery)), permit }
        }),
      )
      crashPoints.reach('rendered-not-fenced')
      const fencedAtMs = clock.monotonic()
      const commands = prepared.flatMap((each) => each.commands)
      let latest = await notifications.change(loaded, commands, actor)
      slot.fenced(clock.monotonic() - fencedAtMs)
      const fenced = prepared.flatMap((each) => fencedOf(each, latest, id, fencedAtMs))
      if (fenced.length === 0) return latest
      crashPoints.reach('fenced-no-byte-out')
      for await (const outcomes of inBatches(fenced.map(send))) {
        latest = await notifications.insist(latest, outcomes, actor)
      }
      crashPoints.reach('outcome-not-acknowledged')
      return latest
    } finally {
      // A probe that came to no answer gives its place to another one.
      for (const { permit } of go) permit.release()
    }
  }

  const fencedOf = (
    each: Prepared & { readonly permit: Permit },
    latest: Loaded,
    id: string,
    fencedAtMs: number,
  ): readonly Fenced[] => {
    const { delivery, sendable, permit } = each
    const now = latest.state!.deliveries.find(
      ({ deliveryId }) => deliveryId === delivery.deliveryId,
    )
    // Nothing is ever sent without its fence.
    if (!sendable || openAttempt(now!)?.number !== each.attempt) return []
    const about = { notificationId: id, notification: latest.state!, personal: personalOf(latest) }
    return [{ ...about, delivery, attempt: each.attempt, permit, ...sendable, fencedAtMs }]
  }

  /** One step of what is due; `undefined` when the rest has to wait. */
  const step = async (loaded: Loaded, item: WorkItem, slot: AttemptSlot) => {
    const { state } = loaded
    const actions = next(state, item.lane, clock.now())
    if (actions.length === 0 || !state) return undefined
    const booked = actions.flatMap((action) => bookkeeping(state, action, needs))
    if (booked.length > 0) return notifications.change(loaded, booked, actor)
    const due = new Set(actions.map((action) => 'deliveryId' in action && action.deliveryId))
    const { go, defer } = await permitted(
      state.deliveries.filter((each) => due.has(each.deliveryId)),
    )
    if (go.length > 0) return attempt(loaded, state, go, item.notificationId, slot)
    if (defer.length === 0) return undefined
    const order = { do: 'defer', deliveries: defer, until: clock.now() + pausedMs } as const
    const why = { reason: 'provider-paused', rule: 'credential.absent' } as const
    return notifications.change(loaded, [{ ...order, ...why }], actor)
  }

  const work = async (item: WorkItem, slot: AttemptSlot): Promise<void> => {
    let loaded: Loaded | undefined = await notifications.load(item.notificationId)
    for (let steps = 0; loaded && steps < stepsMax && !signal.aborted; steps += 1) {
      try {
        loaded = await step(loaded, item, slot)
      } catch (error) {
        if (!(error instanceof VersionConflict)) throw error
        loaded = await notifications.load(item.notificationId)
      }
    }
  }

  return async (item) => {
    crashPoints.reach('claimed')
    const slot = await slots[item.lane as Channel].enter(signal)
    try {
      await work(item, slot)
    } finally {
      slot.leave()
    }
  }
}
