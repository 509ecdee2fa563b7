import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { connect } from 'nats'
import { describe, expect, test } from 'vitest'
import { mongodbServer } from '../../deploy/cluster/mongodb.ts'
import { natsServer } from '../../deploy/cluster/nats.ts'
import { freePort, keptPorts } from '../../deploy/cluster/ports.ts'
import { createProgram, type Program } from '../../deploy/cluster/program.ts'
import { findProgram } from '../../deploy/cluster/programs.ts'
import { serverProgram } from '../support/mongodb/built-server.ts'
import { natsServerProgram } from '../support/nats/nats-server.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const mongod =
  process.env.PABAL_TEST_MONGODB_SERVER || findProgram(['mongod'], process.env.PATH ?? '')

/** Says that it is ready, then waits for ever; `deaf` does not mind SIGTERM. */
const sleeper = (directory: string, more: { deaf?: boolean; onDeath?: (name: string) => void }) => {
  const { deaf = false, onDeath } = more
  const script = `${deaf ? 'process.on("SIGTERM", () => {});' : ''}
    console.log(JSON.stringify({ said: process.pid })); setInterval(() => {}, 1000)`
  return createProgram({
    name: 'sleeper',
    logFile: join(directory, 'sleeper.log'),
    launch: { command: process.execPath, args: ['-e', script], env: {} },
    ready: 'line',
    ...(onDeath && { onDeath }),
  })
}

const runs = (program: Program): boolean => program.pid !== undefined

describe('a program of the cluster', () => {
  test('is ready when it says so, and can be started again', async () => {
    using directory = temporaryDirectory()
    await using program = sleeper(directory.path, {})
    expect(runs(program)).toBe(false)
    await program.start()
    expect(program.ready).toEqual({ said: program.pid })
    const first = program.pid
    await program.kill()
    expect(runs(program)).toBe(false)
    await program.start()
    expect(program.pid).not.toBe(first)
    expect(program.ready).toEqual({ said: program.pid })
  })

  test('that is frozen can be thawed, stopped and killed', async () => {
    using directory = temporaryDirectory()
    await using program = sleeper(directory.path, {})
    await program.start()
    program.freeze()
    await program.stop()
    expect(runs(program)).toBe(false)
    await program.start()
    program.freeze()
    await program.kill()
    expect(runs(program)).toBe(false)
  })

  test('tells of a death that nobody asked for, and of no other', async () => {
    using directory = temporaryDirectory()
    const deaths: string[] = []
    await using program = sleeper(directory.path, { onDeath: (name) => deaths.push(name) })
    await program.start()
    await program.kill()
    await program.start()
    expect(deaths).toEqual([])
    process.kill(program.pid!, 'SIGKILL')
    await program.gone()
    expect(deaths).toEqual(['sleeper'])
  })

  test('that cannot start says why', async () => {
    using directory = temporaryDirectory()
    const launch = { args: ['-e', 'console.error("no disk"); process.exit(3)'], env: {} }
    const logFile = join(directory.path, 'x.log')
    const failing = createProgram({
      ...{ name: 'x', logFile, ready: 'line' },
      launch: { command: process.execPath, ...launch },
    })
    await expect(failing.start()).rejects.toThrow(/ended instead of starting[\s\S]*no disk/)
    const absent = createProgram({
      ...{ name: 'y', logFile, ready: 'line' },
      launch: { command: join(directory.path, 'none'), args: [], env: {} },
    })
    await expect(absent.start()).rejects.toThrow('ENOENT')
  })
})

test('ports are the same the next time', async () => {
  using directory = temporaryDirectory()
  const first = await keptPorts(directory.path, ['a', 'b'])
  const again = await keptPorts(directory.path, ['b', 'c', 'a'])
  expect([again('a'), again('b')]).toEqual([first('a'), first('b')])
  expect(new Set(['a', 'b', 'c'].map(again)).size).toBe(3)
})

describe.skipIf(!natsServerProgram)(
  natsServerProgram ? 'NATS' : 'NATS (no nats-server here)',
  () => {
    test('keeps its streams through a kill, and loses them when it is wiped', async () => {
      using directory = temporaryDirectory()
      const needs = { port: await freePort(), directory: directory.path }
      await using server = natsServer(natsServerProgram!, needs)
      const streams = async (make: boolean): Promise<number> => {
        await server.start()
        const connection = await connect({ servers: server.url })
        const manager = await connection.jetstreamManager()
        if (make) await manager.streams.add({ name: 'S', subjects: ['s'] })
        const { streams: count } = await manager.getAccountInfo()
        await connection.close()
        await server.kill()
        return count
      }
      expect(await streams(true)).toBe(1)
      expect(await streams(false)).toBe(1)
      server.wipe()
      expect(await streams(false)).toBe(0)
    })
  },
)

const withMongodb = mongod !== undefined || serverProgram() !== undefined

describe.skipIf(!withMongodb)(
  withMongodb ? 'MongoDB' : 'MongoDB (no server that speaks its protocol here)',
  () => {
    test('keeps documents through a stop, and loses them when they are dropped or it is wiped', async () => {
      using directory = temporaryDirectory()
      mkdirSync(join(directory.path, 'm'))
      const needs = { port: await freePort(), directory: join(directory.path, 'm') }
      await using server = mongodbServer(mongod, needs)
      const count = async (): Promise<number> => {
        await using client = new MongoClient(server.url)
        return await client.db().collection('c').countDocuments()
      }
      const insert = async (): Promise<void> => {
        await using client = new MongoClient(server.url)
        await client.db().collection('c').insertOne({ a: 1 })
      }
      await server.start()
      await insert()
      await server.stop()
      await server.start()
      expect(await count()).toBe(1)
      await server.dropAll()
      expect(await count()).toBe(0)
      await insert()
      await server.kill()
      server.wipe()
      await server.start()
      expect(await count()).toBe(0)
    }, 120_000)
  },
)
