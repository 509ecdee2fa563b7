import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Log } from '#ports/log.ts'
import { askControl, refusalOfControlPath, startControl } from '#src/app/control.ts'
import { createFakeClock, settle } from '../support/fake-clock.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const log: Log = { debug() {}, info() {}, warn() {}, error() {} }
const order = { name: 'greet', args: { who: 'you' } }

describe('an order from the command line', () => {
  test('is carried out by the running service, and what it threw is thrown', async () => {
    using directory = temporaryDirectory()
    const path = join(directory.path, 'control.sock')
    const orders = { greet: async (args: object) => ({ greeted: args }) }
    await using _control = await startControl(path, orders, log)
    const clock = createFakeClock()
    expect(await askControl(path, order, clock)).toEqual({ greeted: { who: 'you' } })
    await expect(askControl(path, { name: 'sing', args: {} }, clock)).rejects.toMatchObject({
      name: 'StartRefused',
      code: 'control/unknown',
    })
    expect(clock.sleeping()).toBe(0)
  })

  test('finds no service where none listens', async () => {
    using directory = temporaryDirectory()
    const clock = createFakeClock()
    expect(await askControl(join(directory.path, 'none.sock'), order, clock)).toBeUndefined()
    expect(await askControl(join('/', 'x'.repeat(200)), order, clock)).toBeUndefined()
    expect(clock.sleeping()).toBe(0)
  })

  test('is given up when the service does not take it', async () => {
    using directory = temporaryDirectory()
    const path = join(directory.path, 'control.sock')
    // As the system does for a process that is stopped: the connection is made, and nobody answers.
    const server = createServer().listen(path)
    await once(server, 'listening')
    const connected = once(server, 'connection')
    const clock = createFakeClock()
    const refused = expect(askControl(path, order, clock)).rejects.toMatchObject({
      name: 'StartRefused',
      code: 'control/no-answer',
      message: expect.stringContaining(path),
    })
    await connected
    await clock.advance(5_000)
    await refused
    server.close()
  })

  test('may take long once it was taken', async () => {
    using directory = temporaryDirectory()
    const path = join(directory.path, 'control.sock')
    const { promise, resolve } = Promise.withResolvers<object>()
    await using _control = await startControl(path, { greet: () => promise }, log)
    const clock = createFakeClock()
    const asked = askControl(path, order, clock)
    // Nobody sleeps any more: that it was taken has arrived.
    for (let turns = 0; clock.sleeping() > 0 && turns < 10_000; turns += 1) await settle(1)
    await clock.advance(600_000)
    resolve({ greeted: 'at last' })
    expect(await asked).toEqual({ greeted: 'at last' })
  })
})

test.each([
  [107, 'fits'],
  [108, 'is refused before anything is opened'],
])('on Linux a socket whose path has %d bytes %s', (bytes) => {
  if (process.platform !== 'linux') return
  // Two bytes each: what counts is not the number of letters.
  const path = `/${'é'.repeat(20)}${'x'.repeat(bytes - 41)}`
  expect(refusalOfControlPath(path)?.code).toBe(bytes > 107 ? 'data-dir/path-too-long' : undefined)
})

test('a path that fits is one that can be listened on', async () => {
  using directory = temporaryDirectory()
  const rest = 107 - Buffer.byteLength(directory.path) - 1
  const path = join(directory.path, 'x'.repeat(process.platform === 'linux' ? rest : rest - 4))
  expect(refusalOfControlPath(path)).toBeUndefined()
  await using _control = await startControl(path, { greet: async () => ({}) }, log)
  expect(await askControl(path, order, createFakeClock())).toEqual({})
})
