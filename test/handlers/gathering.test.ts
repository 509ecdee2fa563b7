import { describe, expect, test } from 'vitest'
import { createGathering, createLoadMeter, gatherMs } from '#handlers/gathering.ts'
import type { RecordedEvent } from '#ports/event-store.ts'
import type { Projection } from '#projections/projection.ts'
import { newEvent } from '../contracts/log-samples.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const projection: Projection = {
  name: 'counts',
  version: 1,
  indexes: [],
  idOf: (event) => (event.stream.startsWith('other') ? undefined : event.stream),
  evolve: (body) => body,
  moreFollows: (event) => event.type === 'Begun',
}

const event = (stream: string, type: string, revision = 0): RecordedEvent => ({
  ...newEvent(),
  type,
  stream,
  revision,
  position: '1',
})

const shown = (groups: ReadonlyMap<string, readonly RecordedEvent[]>) =>
  Object.fromEntries([...groups].map(([id, group]) => [id, group.map(({ type }) => type)]))

describe('gathering', () => {
  test('hands out everything when there is no load', () => {
    const gathering = createGathering(projection)
    const events = [event('a', 'Begun'), event('b', 'Done'), event('other', 'Begun')]
    expect(shown(gathering.take(events, false))).toEqual({ a: ['Begun'], b: ['Done'] })
    expect(gathering.firstHeld).toBeUndefined()
  })

  test('keeps back what will change again, and hands it out with what follows', () => {
    const gathering = createGathering(projection)
    const begun = event('a', 'Begun')
    expect(shown(gathering.take([begun, event('b', 'Done')], true))).toEqual({ b: ['Done'] })
    expect(gathering.firstHeld).toBe(begun)
    expect(shown(gathering.take([event('a', 'Done', 1)], true))).toEqual({ a: ['Begun', 'Done'] })
    expect(gathering.firstHeld).toBeUndefined()
  })

  test('keeps nothing back twice', () => {
    const gathering = createGathering(projection)
    gathering.take([event('a', 'Begun')], true)
    expect(shown(gathering.take([event('a', 'Begun', 1)], true))).toEqual({ a: ['Begun', 'Begun'] })
  })

  test('hands out the rest when it is asked for it', () => {
    const gathering = createGathering(projection)
    gathering.take([event('a', 'Begun')], true)
    expect(shown(gathering.takeRest())).toEqual({ a: ['Begun'] })
    expect(shown(gathering.takeRest())).toEqual({})
  })
})

describe('the load', () => {
  test('is many events within the time they are gathered, in however many pages', async () => {
    const clock = createFakeClock()
    const isLoad = createLoadMeter(clock)
    expect([isLoad(20), isLoad(11), isLoad(1)]).toEqual([false, false, true])
    await clock.advance(gatherMs + 1)
    expect(isLoad(31)).toBe(false)
  })
})
