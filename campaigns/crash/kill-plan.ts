import { type CrashPointName, crashPointNames } from '#ports/crash-points.ts'
import { chance } from '#sandbox/seeded.ts'

export type KillAt = CrashPointName | 'random'

export type PlannedKill =
  | { readonly at: CrashPointName; readonly nth: number }
  /** `since` the process was told to start: in the middle of that; or since it could answer. */
  | { readonly at: 'random'; readonly since: 'start' | 'ready'; readonly afterMs: number }

/** How often a point is passed before the kill, at most: so that it falls under load. */
const nthMax: Readonly<Record<CrashPointName, number>> = {
  'before-append': 40,
  'appended-not-answered': 40,
  'relayed-checkpoint-not-moved': 12,
  claimed: 30,
  'rendered-not-fenced': 30,
  'fenced-no-byte-out': 30,
  'bytes-out-no-answer': 40,
  'answered-no-outcome': 40,
  'outcome-not-acknowledged': 30,
  'projected-checkpoint-not-written': 40,
  'inside-timekeeper': 6,
  'receipt-stored-not-answered': 10,
}
const randomAfterMsMax = 600
/** Of the kills at random times, so many come while the process starts. */
const startingShare = 0.25
/** Of seven kills six are at named points: 500 give 35 for each of the twelve. */
const namedShare = 6 / 7

const plannedAt = (seed: number, index: number, at: KillAt): PlannedKill => {
  const draw = chance(seed, `kill ${index}`)
  if (at === 'random') {
    const since = chance(seed, `since ${index}`) < startingShare ? 'start' : 'ready'
    return { at, since, afterMs: Math.round(draw * randomAfterMsMax) }
  }
  return { at, nth: 1 + Math.floor(draw * nthMax[at]) }
}

/** The same number at each point, the rest at random times, in an order that the seed gives. */
export const planKills = (options: {
  readonly kills: number
  readonly seed: number
  readonly points?: readonly KillAt[]
}): readonly PlannedKill[] => {
  const { kills, seed, points } = options
  const named = points ?? crashPointNames
  const share = Math.floor((kills * (points ? 1 : namedShare)) / named.length)
  const each = kills < named.length ? 0 : Math.max(1, share)
  const all: KillAt[] = named.flatMap((point) => Array.from({ length: each }, () => point))
  while (all.length < kills) all.push(points ? points[all.length % points.length]! : 'random')
  return all
    .map((at, index) => ({ at, index, order: chance(seed + 7, `order ${index}`) }))
    .sort((a, b) => a.order - b.order)
    .map(({ at, index }) => plannedAt(seed, index, at))
}

export const countByPoint = (places: Iterable<KillAt>): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const place of [...crashPointNames, 'random'] as const) counts[place] = 0
  for (const place of places) counts[place]! += 1
  return counts
}
