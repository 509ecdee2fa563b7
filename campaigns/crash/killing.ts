import { setTimeout as sleep } from 'node:timers/promises'
import type { Arming } from './armed-crash-points.ts'
import type { Keeper, Life, Ready } from './keeper.ts'
import { countByPoint, type KillAt, type PlannedKill } from './kill-plan.ts'

export interface Killing {
  readonly kills: number
  /** Only what the child itself confirmed counts as a named point. */
  readonly byPoint: Readonly<Record<string, number>>
}

/** A point that was not reached in this time is tried again with the next one; that kill was a random one. */
const patienceMs = 5_000
const triesMax = 4
const sayEvery = 25

const isIn = (place: string): place is KillAt => Object.hasOwn(countByPoint([]), place)

const armingOf = (kill: PlannedKill): Arming | undefined =>
  kill.at === 'random' ? undefined : { point: kill.at, nth: kill.nth }

/** Lets one life be and kills it as planned; answers where it died. */
const killOnce = async (life: Life, kill: PlannedKill): Promise<KillAt> => {
  const enough = new AbortController()
  const afterMs = kill.at === 'random' ? kill.afterMs : patienceMs
  if (!(kill.at === 'random' && kill.since === 'start')) await life.ready
  const timer = sleep(afterMs, undefined, { signal: enough.signal }).then(
    () => life.kill(),
    () => {},
  )
  const confirmed = await life.died
  enough.abort()
  await timer
  return isIn(confirmed) ? confirmed : 'random'
}

/** One life after the other. */
export const runKills = async (needs: {
  readonly plan: readonly PlannedKill[]
  readonly keeper: Keeper
  readonly up: (ready: Ready | undefined) => void
  readonly say: (line: string) => void
}): Promise<Killing> => {
  const { plan, keeper, up, say } = needs
  const places: KillAt[] = []
  const left = plan.map((kill) => ({ kill, tries: 0 }))
  for (let next = left.shift(); next; next = left.shift()) {
    const { kill, tries } = next
    const life = await keeper.start(armingOf(kill))
    // Rejects when the child did not start at all: that must not pass for a kill.
    const ready = life.ready.then((is) => up(is))
    const [place] = await Promise.all([killOnce(life, kill), ready])
    up(undefined)
    places.push(place)
    if (place !== kill.at && tries + 1 < triesMax) {
      say(`${kill.at} was not reached; it is tried again later.`)
      left.push({ kill, tries: tries + 1 })
      const spare = left.findIndex((each) => each.kill.at === 'random')
      if (spare >= 0) left.splice(spare, 1)
    }
    if (places.length % sayEvery === 0) say(`${places.length} kills`)
  }
  return { kills: places.length, byPoint: countByPoint(places) }
}
