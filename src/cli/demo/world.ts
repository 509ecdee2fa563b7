import { type Concern, concernsOf, type Submission, submissionsOf } from './alerts.ts'
import { makePeople, type Person } from './people.ts'
import { isEarthquake, type Quake, readQuakes } from './quakes.ts'
import type { DemoSettings } from './settings.ts'
import { count as n } from './table.ts'

/** Everything that the demo is about to do; the same for the same settings. */
export interface World {
  readonly events: readonly Quake[]
  readonly quakes: readonly Quake[]
  readonly people: readonly Person[]
  readonly concerns: readonly Concern[]
  readonly submissions: readonly Submission[]
}

export const makeWorld = ({ people: wanted, alerts, seed }: DemoSettings): World => {
  const events = readQuakes()
  const quakes = events.filter(isEarthquake)
  const people = makePeople(quakes, wanted, seed)
  const concerns = concernsOf(quakes, people, alerts)
  return { events, quakes, people, concerns, submissions: submissionsOf(concerns) }
}

/** Event ids that more than one network reports. */
export const askedTwiceIn = ({ submissions }: World): ReadonlySet<string> =>
  new Set(submissions.filter((each) => each.again).map((each) => each.eventId))

export const introduction = (world: World): string => {
  const { events, quakes, people, concerns, submissions } = world
  const seen = new Set(concerns.map((each) => each.quake))
  const several = [...seen].filter((each) => each.ids.length > 1).length
  const again = submissions.filter((each) => each.again).length
  return [
    `${n(events.length)} events of one week (US Geological Survey), ${n(quakes.length)} of them quakes.`,
    `${n(people.length)} people live around them; ${n(seen.size)} quakes concern somebody:`,
    `${n(concerns.length)} alerts. More than one network has reported ${n(several)} of these quakes:`,
    `${n(again)} alerts are asked for again.`,
  ].join('\n')
}
