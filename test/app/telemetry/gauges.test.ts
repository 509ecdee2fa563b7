import { expect, test } from 'vitest'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { lagSource } from '#src/app/telemetry/gauges.ts'
import { instruments } from '#src/app/telemetry/instruments.ts'
import { newEvent } from '../../contracts/log-samples.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { amongOthers, foreignStream } from '../../support/log-among-others.ts'

const open = async () => {
  const clock = createFakeClock(Date.parse(newEvent().metadata.at))
  const log = createMemoryEventStore()
  let reads = 0
  const counted: typeof log = Object.create(log, {
    readAll: {
      value: (options: Parameters<typeof log.readAll>[0]) => {
        reads += 1
        return log.readAll(options)
      },
    },
  })
  let position: string | undefined
  const source = lagSource(() => [{ name: 'relay', position }], amongOthers(counted), clock)
  return {
    ...{ clock, log },
    stand: (at: string) => {
      position = at
    },
    /** How many events and seconds behind, and how often the log was read for it. */
    async look() {
      const before = reads
      const seen = new Map<string, number>()
      await source.observe(({ name }, value) => void seen.set(name, value))
      const [events, seconds] = [instruments.lagEvents, instruments.lagSeconds]
      return { lag: [seen.get(events.name), seen.get(seconds.name)], reads: reads - before }
    },
  }
}

test('a follower lags by what is ours, however much of others lies before it', async () => {
  const { clock, log, stand, look } = await open()
  const foreign = Array.from({ length: 10 }, () => newEvent())
  await log.append(foreignStream, foreign, { expected: 'no-stream' })
  const { position } = await log.append('app-shop', [newEvent()], { expected: 'no-stream' })
  await clock.advance(90_000)
  expect(await look()).toMatchObject({ lag: [1, 90] })
  stand(position)
  expect(await look()).toMatchObject({ lag: [0, 0] })
})

test('what others wrote is looked through once', async () => {
  const { log, look } = await open()
  const foreign = Array.from({ length: 10 }, () => newEvent())
  await log.append(foreignStream, foreign, { expected: 'no-stream' })
  expect(await look()).toEqual({ lag: [0, 0], reads: 10 })
  await log.append('app-shop', [newEvent()], { expected: 'no-stream' })
  expect(await look()).toMatchObject({ lag: [1, 0], reads: 3 })
})
