import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { serverProgram } from '../../test/support/mongodb/built-server.ts'
import { foreignServer, isAddress } from './foreign.ts'
import { createProgram, type Launch } from './program.ts'
import type { Server, ServerNeeds } from './servers.ts'

const database = 'pabal'
const replicaSet = 'pabal'
const notYetInitialised = 94

const mongodLaunch = (command: string, data: string, port: number): Launch => ({
  command,
  args: [
    ...['--dbpath', data, '--port', `${port}`, '--bind_ip', '127.0.0.1'],
    ...['--replSet', replicaSet, '--wiredTigerCacheSizeGB', '0.25'],
  ],
  env: {},
})

/** The program that the suites use, without replica sets: see test/support/mongodb. */
const testLaunch = (data: string, port: number): Launch => {
  const [command, ...args] = serverProgram()!.command(data, port)
  return { command, args, env: {} }
}

const withClient = async (url: string, use: (client: MongoClient) => Promise<void>) => {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 1_000, directConnection: true })
  try {
    await use(client)
  } finally {
    await client.close()
  }
}

/** A replica set of one node, which then takes a second to become its primary. */
const initiate = (url: string, port: number) =>
  withClient(url, async (client) => {
    const admin = client.db('admin')
    try {
      await admin.command({ replSetGetStatus: 1 })
    } catch (error) {
      if ((error as { code?: number }).code !== notYetInitialised) throw error
      const members = [{ _id: 0, host: `127.0.0.1:${port}` }]
      await admin.command({ replSetInitiate: { _id: replicaSet, members } })
    }
    const { isWritablePrimary } = await admin.command({ hello: 1 })
    if (isWritablePrimary !== true) throw new Error('The replica set has no primary yet.')
  })

const ping = (url: string) =>
  withClient(url, async (client) => void (await client.db('admin').command({ ping: 1 })))

export interface MongodbServer extends Server {
  /** Drops every read model, checkpoint and lease while it runs. */
  dropAll(): Promise<void>
}

const foreign = (url: string): MongodbServer => {
  const server = foreignServer('mongodb', url)
  return Object.assign(server, { dropAll: async () => server.wipe() })
}

/**
 * `program`: a mongod, which becomes a replica set of one node, or the address of a server that runs;
 * absent: what the suites use.
 */
export const mongodbServer = (program: string | undefined, needs: ServerNeeds): MongodbServer => {
  if (program !== undefined && isAddress(program)) return foreign(program)
  const { port, directory, onDeath } = needs
  const data = join(directory, 'data')
  mkdirSync(data, { recursive: true })
  const replicated = program !== undefined
  const url = `mongodb://127.0.0.1:${port}/${database}${replicated ? `?replicaSet=${replicaSet}` : ''}`
  const plainUrl = `mongodb://127.0.0.1:${port}/${database}`
  const server = createProgram({
    name: 'mongodb',
    logFile: join(directory, 'mongodb.log'),
    launch: program === undefined ? testLaunch(data, port) : mongodLaunch(program, data, port),
    ready: () => (replicated ? initiate(plainUrl, port) : ping(plainUrl)),
    ...(onDeath && { onDeath }),
  })
  return Object.assign(server, {
    url,
    dropAll: () =>
      withClient(plainUrl, async (client) => void (await client.db(database).dropDatabase())),
    wipe: () => {
      rmSync(data, { recursive: true, force: true })
      mkdirSync(data)
    },
  })
}
