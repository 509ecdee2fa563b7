import { describe, expect, test } from 'vitest'
import { concernsOf, submissionsOf } from '#cli/demo/alerts.ts'
import { distanceKm, placeNear } from '#cli/demo/geography.ts'
import { makePeople } from '#cli/demo/people.ts'
import { peopleKinds } from '#cli/demo/people-kinds.ts'
import { isEarthquake, parseQuakes, type Quake, readQuakes } from '#cli/demo/quakes.ts'
import { parseDemoArgs } from '#cli/demo/settings.ts'
import { askedTwiceIn, makeWorld } from '#cli/demo/world.ts'

const settings = parseDemoArgs(['--people', '300', '--alerts', '1000'])!
const world = makeWorld(settings)

const quake: Quake = {
  id: 'us1',
  ids: ['us1'],
  time: Date.UTC(2018, 1, 6, 15, 50),
  magnitude: 6.4,
  place: '18km NNE of Hualian, Taiwan',
  lat: 24.1,
  lon: 121.7,
  depthKm: 17.4,
  tsunami: 0,
  type: 'earthquake',
  url: 'https://earthquake.usgs.gov/earthquakes/eventpage/us1',
}

describe('the catalogue', () => {
  test('has the week of the survey', () => {
    const events = readQuakes()
    const quakes = events.filter(isEarthquake)
    expect(events).toHaveLength(1_707)
    expect(quakes).toHaveLength(1_679)
    expect(quakes.filter((each) => each.ids.length > 1)).toHaveLength(93)
    expect(quakes.every((each) => each.ids.includes(each.id))).toBe(true)
  })

  test('is read line by line', () => {
    expect(parseQuakes(`${JSON.stringify(quake)}\n`)).toEqual([quake])
  })
})

describe('the earth', () => {
  test('is as large as it is', () => {
    const seoul = { lat: 37.57, lon: 126.98 }
    expect(distanceKm(seoul, { lat: 35.18, lon: 129.08 })).toBeCloseTo(325, -1)
    expect(distanceKm(seoul, seoul)).toBe(0)
  })

  test.each([0, 0.13, 0.5, 0.77])('has places nearby in every direction, such as %f', (turn) => {
    const from = { lat: 51.8, lon: 179.9 }
    const place = placeNear(from, 200, turn)
    expect(distanceKm(from, place)).toBeCloseTo(200, -1)
    expect(Math.abs(place.lon)).toBeLessThanOrEqual(180)
  })
})

describe('the people of the demo', () => {
  test('are the same for the same seed', () => {
    const again = makePeople(world.quakes, settings.people, settings.seed)
    expect(again).toEqual(world.people)
  })

  test('are others for another seed', () => {
    const others = makePeople(world.quakes, settings.people, settings.seed + 1)
    expect(others).not.toEqual(world.people)
  })

  test('are of every kind that there is', () => {
    const kinds = new Set(makePeople(world.quakes, 2_000, 1).map((each) => each.kind))
    expect(peopleKinds.filter((each) => !kinds.has(each.name))).toEqual([])
  })

  test('have one to three devices, and no address that somebody else has', () => {
    const devices = world.people.map((each) => each.devices.length)
    expect([...new Set(devices)].toSorted()).toEqual([1, 2, 3])
    const addresses = world.people.flatMap(({ devices: all, phone, email }) =>
      [...all.map((each) => each.token), phone, email].filter((each) => each !== undefined),
    )
    expect(new Set(addresses).size).toBe(addresses.length)
  })
})

describe('the alerts of the demo', () => {
  test('are as many as were asked for', () => {
    expect(world.concerns).toHaveLength(settings.alerts)
  })

  test('reach only those whom the quake concerns', () => {
    const tooWeak = world.concerns.filter((each) => each.quake.magnitude < each.person.minMagnitude)
    expect(tooWeak).toEqual([])
  })

  test('go to the nearer of two people', () => {
    const [near, far] = [{ km: 20 }, { km: 400 }].map(({ km }, index) => ({
      ...world.people[0]!,
      ...placeNear(quake, km, 0.3),
      userId: `p${index}`,
      minMagnitude: 4,
    }))
    const concerned = concernsOf([quake], [far!, near!], 1)
    expect(concerned.map((each) => each.person.userId)).toEqual(['p0'])
  })

  test('come once from each network, word for word the same', () => {
    const seenTwice = { ...quake, ids: ['us1', 'tw1'] }
    const person = { ...world.people[0]!, ...placeNear(quake, 20, 0), minMagnitude: 0 }
    const [first, second, ...rest] = submissionsOf(concernsOf([seenTwice], [person], 10))
    expect(rest).toEqual([])
    expect(first).toMatchObject({ eventId: `us1:${person.userId}`, again: false })
    expect(second).toEqual({ ...first, again: true })
  })

  test('have one event id each', () => {
    const firsts = world.submissions.filter((each) => !each.again)
    const ids = new Set(firsts.map((each) => each.eventId))
    expect(ids.size).toBe(settings.alerts)
    expect(world.submissions.length).toBeGreaterThan(firsts.length)
    expect([...askedTwiceIn(world)].every((id) => ids.has(id))).toBe(true)
  })
})

describe('the options of the demo', () => {
  test.each([
    ['--people', '5'],
    ['--faults', 'often'],
    ['--kills', '-1'],
  ])('name what is wrong with %s %s', (option, value) => {
    expect(() => parseDemoArgs([`${option}=${value}`])).toThrow(`${option} must be a number`)
  })

  test('can be asked for', () => {
    expect(parseDemoArgs(['--help'])).toBeUndefined()
  })
})
