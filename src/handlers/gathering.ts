import type { Clock } from '#ports/clock.ts'
import type { RecordedEvent } from '#ports/event-store.ts'
import type { Projection } from '#projections/projection.ts'

/** Events by the document they belong to, in the order of the log. */
export type Groups = Map<string, readonly RecordedEvent[]>

export const groupById = (projection: Projection, events: readonly RecordedEvent[]): Groups => {
  const groups = new Map<string, RecordedEvent[]>()
  for (const event of events) {
    const id = projection.idOf(event)
    if (id === undefined) continue
    const group = groups.get(id)
    if (group) group.push(event)
    else groups.set(id, [event])
  }
  return groups
}

/** So many events within `gatherMs` are a load: more come, and are worth waiting for. */
const loadMin = 32
/** Under load events are gathered this long, so that those of one notification become one write. */
export const gatherMs = 100

/** Says after each page, however small, whether events come fast. */
export const createLoadMeter = (clock: Pick<Clock, 'monotonic'>): ((events: number) => boolean) => {
  let sinceMs = clock.monotonic()
  let counted = 0
  return (events) => {
    const now = clock.monotonic()
    if (now - sinceMs > gatherMs) {
      sinceMs = now
      counted = 0
    }
    counted += events
    return counted >= loadMin
  }
}

/** Waits for the events of one document that come within moments of each other: they make one write. */
export interface Gathering {
  /** What to fold now. `wait`: documents about to change again are kept back for the next call, once. */
  take(events: readonly RecordedEvent[], wait: boolean): Groups
  /** What was kept back. */
  takeRest(): Groups
  /** The oldest event kept back; no checkpoint may lie behind it. */
  readonly firstHeld: RecordedEvent | undefined
}

export const createGathering = (projection: Projection): Gathering => {
  let held: Groups = new Map()

  const holdBack = (groups: Groups, heldBefore: Groups): Groups => {
    const kept: Groups = new Map()
    for (const [id, group] of groups) {
      if (heldBefore.has(id) || !projection.moreFollows?.(group.at(-1)!)) continue
      kept.set(id, group)
      groups.delete(id)
    }
    return kept
  }

  return {
    take(events, wait) {
      const groups = groupById(projection, events)
      const before = held
      // Kept back before any event of this page: theirs come first.
      for (const [id, earlier] of before) groups.set(id, [...earlier, ...(groups.get(id) ?? [])])
      held = wait ? holdBack(groups, before) : new Map()
      return groups
    },
    takeRest() {
      const rest = held
      held = new Map()
      return rest
    },
    get firstHeld() {
      return held.values().next().value?.[0]
    },
  }
}
