import { type Lane, lanes } from '#domain/notification/events.ts'
import { next } from '#domain/notification/next.ts'
import type { Clock } from '#ports/clock.ts'
import type { CrashPoints } from '#ports/crash-points.ts'
import type { CollectionDeclaration, DocumentStore, StoredDocument } from '#ports/document-store.ts'
import type { Published, WorkQueue } from '#ports/work-queue.ts'
import { hintGraceMs, type NotificationDocument } from '#projections/notifications/notifications.ts'

/** How often the agenda is looked at. */
const tickMs = 200
const pageMax = 500
const pagesPerTickMax = 4
/** What was due this long ago, and still is, has been lost on its way: it is published again. */
const overdueMs = 30_000
/** Due times are looked at this much later, so that the read model has them by then. */
const settleMs = 500
/** Lanes that hold the overdue already are not asked about it more often than this. */
const waitingPerSecondMax = 500
const sweepPauseMs = 5_000

interface Cursor {
  readonly value: number
  readonly id: string
}

interface LaneState {
  readonly lane: Lane
  /** Everything due before this has been published once. */
  fresh: Cursor
  /** Where the endless sweep over the overdue stands; absent between two rounds. */
  sweep: Cursor | undefined
  nextRoundAtMs: number
  /** After a start with an empty queue, or its loss: how far everything open has been published anew. */
  recovery: Cursor | undefined
}

export interface TimekeeperNeeds {
  readonly documents: DocumentStore
  readonly collection: () => Promise<CollectionDeclaration>
  readonly queue: WorkQueue
  readonly clock: Clock
  readonly crashPoints: CrashPoints
  readonly signal: AbortSignal
  /**
   * What the agenda knows of: the wall clock once the read model has caught up, else its newest event.
   * `undefined`: nobody knows how far it is.
   */
  readonly agendaTime: () => number | undefined
  /** The read model has held the whole log at least once since the start. */
  readonly caughtUpOnce: () => boolean
  /** Nothing is sent under it now. */
  readonly isPaused: (credential: string) => boolean
  /** It is set up; its pause is a circuit that is open. */
  readonly isKnown: (credential: string) => boolean
}

const beginning: Cursor = { value: 0, id: '' }

const cursorOf = (document: StoredDocument, lane: Lane): Cursor => ({
  value: (document.body as NotificationDocument).due[lane]!,
  id: document.id,
})

/** Publishes what has become due: once when it falls due, and again for as long as it stays so. */
export const createTimekeeper = (needs: TimekeeperNeeds) => {
  const { documents, queue, clock, crashPoints, agendaTime, isPaused, isKnown } = needs
  const states: readonly LaneState[] = lanes.map((lane) => ({
    lane,
    fresh: beginning,
    sweep: undefined,
    nextRoundAtMs: 0,
    recovery: queue.volatile ? beginning : undefined,
  }))
  let epoch = queue.epoch()
  let waiting = 0
  let waitingSince = clock.monotonic()

  const page = async (lane: Lane, after: Cursor, to: number) =>
    documents.find(await needs.collection(), {
      where: {},
      range: { field: `due.${lane}`, to },
      order: { field: `due.${lane}`, direction: 'ascending' },
      ...(after !== beginning && { after }),
      limit: pageMax,
    })

  /** While its credentials are paused, what would be sent stays where it is; time-outs go on. */
  const isHeld = (document: StoredDocument, lane: Lane): boolean => {
    const { state } = document.body as NotificationDocument
    if (lane === 'route' || !state) return false
    const actions = next(state, lane, clock.now())
    if (actions.length === 0) return false
    return actions.every((action) => {
      if (action.do !== 'dispatch') return false
      const delivery = state.deliveries.find((each) => each.deliveryId === action.deliveryId)
      const { credential, deferReason } = delivery!
      // Said once: a first look records that there are no credentials.
      return isPaused(credential) && (deferReason === 'provider-paused' || isKnown(credential))
    })
  }

  const publish = async (
    lane: Lane,
    found: readonly StoredDocument[],
  ): Promise<readonly Published[]> => {
    if (found.length === 0) return []
    crashPoints.reach('inside-timekeeper')
    const items = found.map((document) => {
      const { priority } = document.body as NotificationDocument
      return { lane, priority, notificationId: document.id }
    })
    const answers = await queue.publish(items)
    waiting += answers.filter((answer) => answer === 'waiting').length
    return answers
  }

  /** Publishes a page; answers where to go on: after the last item that a lane took. */
  const advance = async (lane: Lane, after: Cursor, to: number) => {
    const found = await page(lane, after, to)
    const free = found.filter((document) => !isHeld(document, lane))
    const answers = await publish(lane, free)
    const full = answers.indexOf('full')
    const taken = full < 0 ? found : found.slice(0, found.indexOf(free[full]!))
    const last = taken.at(-1)
    const cursor = last ? cursorOf(last, lane) : after
    return { cursor, more: full < 0 && found.length === pageMax, full: full >= 0 }
  }

  /** A queue that forgets has lost every hint: what the relay had told it is told again, at once. */
  const recover = async (state: LaneState, from: Cursor): Promise<void> => {
    if (!needs.caughtUpOnce()) return
    const { cursor, more, full } = await advance(state.lane, from, clock.now() + hintGraceMs)
    state.recovery = more || full ? cursor : undefined
  }

  const sweep = async (state: LaneState, now: number): Promise<void> => {
    const mono = clock.monotonic()
    if (waiting >= waitingPerSecondMax || mono < state.nextRoundAtMs) return
    const from = state.sweep ?? beginning
    const { cursor, more, full } = await advance(state.lane, from, now - overdueMs)
    state.sweep = more || full ? cursor : undefined
    if (!state.sweep) state.nextRoundAtMs = mono + sweepPauseMs
  }

  const tickLane = async (state: LaneState, now: number): Promise<void> => {
    for (let pages = 0; pages < pagesPerTickMax && state.recovery; pages += 1) {
      await recover(state, state.recovery)
    }
    for (let pages = 0; pages < pagesPerTickMax; pages += 1) {
      const { cursor, more } = await advance(state.lane, state.fresh, now - settleMs)
      state.fresh = cursor
      if (!more) break
    }
    await sweep(state, now)
  }

  const noticeLoss = (): void => {
    if (queue.epoch() === epoch) return
    epoch = queue.epoch()
    for (const state of states) state.recovery = beginning
  }

  const tick = async (): Promise<void> => {
    noticeLoss()
    if (clock.monotonic() - waitingSince >= 1_000) {
      waitingSince = clock.monotonic()
      waiting = 0
    }
    const now = agendaTime()
    if (now === undefined) return
    for (const state of states) await tickLane(state, now)
  }

  return { tick }
}

export const runTimekeeper = async (
  needs: TimekeeperNeeds & { readonly onError: (error: unknown) => void },
): Promise<void> => {
  const timekeeper = createTimekeeper(needs)
  const { clock, signal } = needs
  while (!signal.aborted) {
    await timekeeper.tick().catch(needs.onError)
    await clock.sleep(tickMs, signal)
  }
}
