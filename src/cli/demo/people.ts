import { hash } from 'node:crypto'
import type { Platform } from '#domain/notification/events.ts'
import type { Preferences } from '#domain/recipient/recipient.ts'
import { chance } from '#sandbox/seeded.ts'
import { type Place, placeNear } from './geography.ts'
import { ordinary, type PeopleKind, peopleKinds } from './people-kinds.ts'
import type { Quake } from './quakes.ts'

export interface Person extends Place {
  readonly userId: string
  readonly kind: string
  readonly locale: 'en' | 'ko'
  readonly devices: readonly Device[]
  readonly phone?: string
  readonly email?: string
  readonly preferences?: Preferences
  /** Weaker quakes do not concern this person. */
  readonly minMagnitude: number
}

interface Device {
  readonly deviceId: string
  readonly platform: Extract<Platform, 'ios' | 'android'>
  readonly token: string
}

/** From 0 up to but never 1; the same for the same seed, person and question. */
type Draw = (question: string) => number

const magnitudes = [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5]
const cellDegrees = 5
const awayKmMax = 250
const shareKorean = 0.3
const shareWithPhone = 0.12
const shareWithEmail = 0.18
/** Most people have one device, few have three. */
const deviceCounts = [1, 1, 1, 1, 1, 1, 2, 2, 2, 3]

const pick = <T>(list: readonly T[], at: number): T => list[Math.floor(at * list.length)]!

/** Which person is of which kind: as many of each as its share says, spread by the seed. */
const kindsOf = (count: number, seed: number): readonly [PeopleKind, number][] => {
  const special = peopleKinds.flatMap((kind) => {
    const people = kind.share === 'once' ? 1 : Math.round((kind.share * count) / 1_000)
    return Array.from({ length: people }, (_, nth): [PeopleKind, number] => [kind, nth])
  })
  const rest = Math.max(0, count - special.length)
  const all = [...special, ...Array.from({ length: rest }, () => [ordinary, 0] as const)]
  const order = all.map((_, index) => chance(seed, `kind ${index}`))
  const shuffled = [...all.keys()].sort((a, b) => order[a]! - order[b]!)
  return shuffled.slice(0, count).map((index) => [...all[index]!])
}

const devicesOf = (userId: string, seed: number, draw: Draw): readonly Device[] =>
  Array.from({ length: pick(deviceCounts, draw('devices')) }, (_, index) => {
    const platform = draw(`platform ${index}`) < 0.5 ? 'ios' : 'android'
    const token = hash('sha256', `${seed} ${userId} ${index}`)
    return { deviceId: `${platform}-${index + 1}`, platform, token }
  })

const phoneOf = (index: number, locale: Person['locale']): string =>
  `${locale === 'ko' ? '+8210' : '+1202'}${String(5_000_000 + index).padStart(7, '0')}`

/** Half live where most quakes are, half anywhere on earth where there was one. */
const homeOf = (cells: readonly (readonly Quake[])[], all: readonly Quake[], draw: Draw) => {
  const among = draw('where') < 0.5 ? all : pick(cells, draw('cell'))
  const quake = pick(among, draw('quake'))
  const place = placeNear(quake, awayKmMax * Math.sqrt(draw('km')), draw('direction'))
  const felt = magnitudes.filter((each) => each <= Math.max(0, quake.magnitude))
  return { ...place, minMagnitude: pick(felt, draw('magnitude')) }
}

/** People around the quakes, the same for the same seed. */
export const makePeople = (
  quakes: readonly Quake[],
  count: number,
  seed: number,
): readonly Person[] => {
  const cellOf = ({ lat, lon }: Quake) =>
    `${Math.round(lat / cellDegrees)} ${Math.round(lon / cellDegrees)}`
  const cells = [...Map.groupBy(quakes, cellOf).values()]
  return kindsOf(count, seed).map(([kind, nth], index) => {
    const userId = `person-${String(index + 1).padStart(4, '0')}`
    const draw: Draw = (question) => chance(seed, `${userId} ${question}`)
    const locale = draw('locale') < shareKorean ? 'ko' : 'en'
    const { device, ...peculiar } = kind.make(nth)
    return {
      userId,
      kind: kind.name,
      locale,
      ...homeOf(cells, quakes, draw),
      devices: device
        ? [{ deviceId: `${device.platform}-1`, ...device }]
        : devicesOf(userId, seed, draw),
      ...(draw('phone') < shareWithPhone && { phone: phoneOf(index, locale) }),
      ...(draw('email') < shareWithEmail && { email: `${userId}@people.example` }),
      ...peculiar,
    }
  })
}
