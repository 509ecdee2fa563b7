import { type Lane, type Priority, priorities } from '#domain/notification/events.ts'
import type { Clock } from '#ports/clock.ts'
import { createTurns } from '#ports/turns.ts'
import type { WorkItem } from '#ports/work-queue.ts'
import type { Delivered, Flights } from './flights.ts'
import type { Keeper } from './keeper.ts'
import type { Link } from './link.ts'
import { createSource, type Source } from './source.ts'

/** An item that found no free slot is handed back after this long: another process may have one. */
const handBackMs = 250
const tickMs = 250
/** Most items that are asked for in case that something comes, per priority. */
const standingMax = 16

export interface LaneConsumerNeeds {
  readonly link: Link
  readonly keeper: Keeper
  readonly flights: Flights
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>
  readonly onError: (error: unknown, item: WorkItem) => void
}

type Hands = Readonly<Record<Priority, Delivered[]>>

/**
 * Works on one lane with a number of slots. Where something is known to wait, exactly as many items are asked
 * for as slots are free, parted among the priorities by their turns. Where nothing is known, each priority
 * has a few asked for; what then comes while all slots are taken waits a moment, or is handed back.
 */
export const consumeLane = async (
  needs: LaneConsumerNeeds,
  lane: Lane,
  { slots, signal }: { readonly slots: number; readonly signal: AbortSignal },
  handle: (item: WorkItem) => Promise<void>,
): Promise<void> => {
  const { link, keeper, flights, clock, onError } = needs
  const { connection } = link
  if (signal.aborted) return
  const standing = Math.max(1, Math.min(standingMax, Math.floor(slots / 4)))
  const hands: Hands = { urgent: [], normal: [], bulk: [] }
  const startTurns = createTurns()
  const askTurns = createTurns()
  const idle = Promise.withResolvers<void>()
  let running = 0
  let inHand = 0
  let asking = false

  const handBack = ({ reply }: Delivered): void => {
    if (!connection.isClosed()) connection.publish(reply, '-NAK')
  }

  const start = async ({ item, subject }: Delivered): Promise<void> => {
    running++
    try {
      await handle(item)
    } catch (error) {
      // The agenda brings back what was not finished; to hand it out again at once would spin.
      onError(error, item)
    } finally {
      running--
      flights.finish(subject)
      if (signal.aborted && running === 0) idle.resolve()
      pump()
    }
  }

  const sourceOf = (priority: Priority): Source =>
    createSource({
      connection,
      one: { lane, priority },
      clock,
      onItem: (delivered) => {
        if (signal.aborted) return handBack(delivered)
        hands[priority].push(delivered)
        inHand++
        pump()
      },
      onOver: () => pump(),
      onMissing: () => void keeper.restore(),
    })
  const sources: Readonly<Record<Priority, Source>> = {
    urgent: sourceOf('urgent'),
    normal: sourceOf('normal'),
    bulk: sourceOf('bulk'),
  }
  const all = Object.values(sources)

  const askInTurns = (open: number): void => {
    const shares: Record<Priority, number> = { urgent: 0, normal: 0, bulk: 0 }
    const wants = (priority: Priority): boolean => {
      const source = sources[priority]
      const share = shares[priority]
      return source.isUsable() && source.backlog() > share && source.asked() + share < open
    }
    let free = all.reduce((left, source) => left - source.reserved(), open)
    for (; free > 0; free--) {
      const priority = askTurns(wants)
      if (priority === undefined) break
      shares[priority]++
    }
    for (const priority of priorities)
      if (shares[priority] > 0) sources[priority].ask(shares[priority], 'turn')
  }

  const ask = (): void => {
    asking = false
    const open = slots - running - inHand
    if (signal.aborted || open <= 0 || !link.isUp() || connection.isClosed()) return
    askInTurns(open)
    const wanted = Math.min(standing, open)
    for (const source of all) {
      // What is known to wait comes by turns.
      if (!source.isUsable() || source.backlog() > 0 || source.asked() > wanted / 2) continue
      source.ask(wanted - source.asked(), 'standing')
    }
  }

  const pump = (): void => {
    if (signal.aborted) return
    while (running < slots && inHand > 0) {
      const priority = startTurns((each) => hands[each].length > 0)!
      const delivered = hands[priority].shift()!
      inHand--
      if (flights.begin(delivered)) void start(delivered)
    }
    if (asking || running === slots) return
    asking = true
    // Together for all that ends or arrives in this turn of the event loop.
    setImmediate(ask)
  }

  const handBackBefore = (time: number): void => {
    for (const priority of priorities) {
      const hand = hands[priority]
      while (hand[0] !== undefined && hand[0].arrivedAt <= time) {
        handBack(hand.shift()!)
        inHand--
      }
    }
  }

  const tick = async (): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(tickMs, signal)
      handBackBefore(clock.monotonic() - handBackMs)
      for (const source of all) source.forgetLost()
      pump()
    }
  }

  const forgetListener = keeper.onRestored(() => {
    for (const source of all) source.reset()
    pump()
  })
  pump()
  await tick()
  forgetListener()
  handBackBefore(Number.POSITIVE_INFINITY)
  await Promise.all(all.map((source) => source.close()))
  if (running > 0) await idle.promise
}
