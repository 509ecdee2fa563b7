import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { createProgram, type Launch } from './program.ts'
import type { Server, ServerNeeds } from './servers.ts'

const database = 'pabal'
const replicaSet = 'pabal'
const notYetInitialised = 94

const isMongod = (program: string): boolean =>
  /^db version/m.test(execFileSync(program, ['--version'], { encoding: 'utf8' }))

const mongodLaunch = (command: string, data: string, port: number): Launch => ({
  command,
  args: [
    ...['--dbpath', data, '--port', `${port}`, '--bind_ip', '127.0.0.1'],
    ...['--replSet', replicaSet, '--wiredTigerCacheSizeGB', '0.25'],
  ],
  env: {},
})

/** FerretDB with its files beside it: it has neither replica sets nor other nodes. */
const ferretLaunch = (command: string, data: string, port: number): Launch => ({
  command,
  args: [
    ...['--handler=sqlite', `--sqlite-url=file:${data}/`, `--state-dir=${data}`],
    ...[`--listen-addr=127.0.0.1:${port}`, '--debug-addr=-', '--telemetry=disable'],
    '--log-level=error',
  ],
  env: {},
})

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

export const mongodbServer = (program: string, needs: ServerNeeds): MongodbServer => {
  const { port, directory, onDeath } = needs
  const data = join(directory, 'data')
  mkdirSync(data, { recursive: true })
  const replicated = isMongod(program)
  const url = `mongodb://127.0.0.1:${port}/${database}${replicated ? `?replicaSet=${replicaSet}` : ''}`
  const plainUrl = `mongodb://127.0.0.1:${port}/${database}`
  const launch = replicated ? mongodLaunch : ferretLaunch
  const server = createProgram({
    name: 'mongodb',
    logFile: join(directory, 'mongodb.log'),
    launch: launch(program, data, port),
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
