import { describe, expect, test } from 'vitest'
import { UnknownEvent } from '#domain/recorded-fact.ts'
import { CheckpointMoved } from '#handlers/checkpoints.ts'
import { Unavailable } from '#ports/errors.ts'
import { createSupervise } from '#src/app/supervise.ts'
import { createFakeClock, settle } from '../support/fake-clock.ts'

/** Runs a loop that throws this once and then returns. */
const runOnce = async (error: Error) => {
  const clock = createFakeClock()
  const said: string[] = []
  const fatal: Error[] = []
  const log = {
    ...{ debug() {}, info() {} },
    warn: () => void said.push('warn'),
    error: () => void said.push('error'),
  }
  const supervise = createSupervise({ clock, log, onFatal: (each) => void fatal.push(each) })
  let runs = 0
  const done = supervise('a loop', new AbortController().signal, async () => {
    runs += 1
    if (runs === 1) throw error
  })
  await settle()
  await clock.advance(1_000)
  await done
  return { runs, said, fatal }
}

describe('a supervised loop', () => {
  test.each([
    ['a server is away', new Unavailable('documents/unreachable', 'It is away.')],
    ['another process took its place', new CheckpointMoved('relay')],
  ])('is started again with a warning when %s', async (_, error) => {
    expect(await runOnce(error)).toEqual({ runs: 2, said: ['warn'], fatal: [] })
  })

  test('is started again, and a person told, when something is broken', async () => {
    expect(await runOnce(new TypeError('x is not a function'))).toMatchObject({
      runs: 2,
      said: ['error'],
    })
  })

  test('ends the process at an event that a newer version wrote', async () => {
    const error = new UnknownEvent('NotificationTeleported', 1)
    expect(await runOnce(error)).toEqual({ runs: 1, said: [], fatal: [error] })
  })
})
