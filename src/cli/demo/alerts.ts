import type { Priority } from '#domain/notification/events.ts'
import { distanceKm } from './geography.ts'
import type { Person } from './people.ts'
import type { Quake } from './quakes.ts'
import { category } from './settings.ts'
import { templateName } from './template.ts'

/** One line of a batch. The same body again under the same id is the same alert. */
export interface Submission {
  readonly eventId: string
  readonly line: string
  /** As another network would report the same quake later. */
  readonly again: boolean
}

export interface Concern {
  readonly quake: Quake
  readonly person: Person
  readonly km: number
}

/** A quake of this magnitude concerns people this far around; it doubles with each step. */
const feltKm = (magnitude: number): number => 30 * 2 ** magnitude
const timesMax = 8

/**
 * Whom each quake concerns: those within a multiple of the distance at which it is felt, the same
 * multiple for all, chosen so that there are about `alerts` of them. In the order of the quakes.
 */
export const concernsOf = (
  quakes: readonly Quake[],
  people: readonly Person[],
  alerts: number,
): readonly Concern[] => {
  const near: { readonly times: number; readonly concern: Concern }[] = []
  for (const quake of quakes) {
    const felt = feltKm(quake.magnitude)
    for (const person of people) {
      if (quake.magnitude < person.minMagnitude) continue
      const km = distanceKm(quake, person)
      if (km < felt * timesMax) near.push({ times: km / felt, concern: { quake, person, km } })
    }
  }
  const sorted = near.map(({ times }) => times).sort((a, b) => a - b)
  const timesAtMost = sorted[Math.min(alerts, sorted.length) - 1] ?? 0
  return near.filter(({ times }) => times <= timesAtMost).map(({ concern }) => concern)
}

const priorityOf = (magnitude: number): Priority =>
  magnitude >= 4.5 ? 'urgent' : magnitude >= 2 ? 'normal' : 'bulk'

const bodyOf = ({ quake, person, km }: Concern) => ({
  eventId: `${quake.id}:${person.userId}`,
  to: { userId: person.userId },
  template: { name: templateName },
  category,
  priority: priorityOf(quake.magnitude),
  data: {
    magnitude: quake.magnitude.toFixed(1),
    place: quake.place,
    when: `${new Date(quake.time).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    depthKm: Math.round(quake.depthKm),
    distanceKm: Math.round(km),
    tsunami: quake.tsunami === 1,
    url: quake.url,
  },
})

/** Every quake in the order of time; what several networks saw comes once from each. */
export const submissionsOf = (concerns: readonly Concern[]): readonly Submission[] => {
  const submissions: Submission[] = []
  for (const [quake, concerned] of Map.groupBy(concerns, (each) => each.quake)) {
    const lines = concerned.map((concern) => {
      const body = bodyOf(concern)
      return { eventId: body.eventId, line: JSON.stringify(body) }
    })
    for (const network of quake.ids.keys()) {
      for (const each of lines) submissions.push({ ...each, again: network > 0 })
    }
  }
  return submissions
}
