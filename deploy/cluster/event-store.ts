import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { foreignServer, isAddress } from './foreign.ts'
import { createProgram, type Launch } from './program.ts'
import type { Server, ServerNeeds } from './servers.ts'

const doubleProgram = fileURLToPath(
  new URL('../../test/support/eventstoredb/main.ts', import.meta.url),
)

export interface EventStoreServer extends Server {
  /** `double`: our own program that answers like EventStoreDB, for trying out; never for real data. */
  readonly kind: 'server' | 'double' | 'foreign'
  /** Of the double: where faults are ordered. */
  readonly controlUrl?: string
}

const serverLaunch = (command: string, data: string, port: number): Launch => ({
  command,
  args: [
    ...['--insecure', '--run-projections', 'None', '--db', data, '--log', `${data}-logs`],
    ...['--node-port', `${port}`, '--node-ip', '127.0.0.1', '--replication-ip', '127.0.0.1'],
  ],
  env: {},
})

const isAlive = async (port: number): Promise<void> => {
  const answer = await fetch(`http://127.0.0.1:${port}/health/live`)
  if (!answer.ok) throw new Error(`EventStoreDB answers ${answer.status}.`)
}

const ownServer = (program: string, needs: ServerNeeds): EventStoreServer => {
  const { port, directory, onDeath } = needs
  const data = join(directory, 'data')
  mkdirSync(data, { recursive: true })
  const server = createProgram({
    name: 'eventstoredb',
    logFile: join(directory, 'eventstoredb.log'),
    launch: serverLaunch(program, data, port),
    ready: () => isAlive(port),
    ...(onDeath && { onDeath }),
  })
  return Object.assign(server, {
    kind: 'server' as const,
    url: `esdb://127.0.0.1:${port}?tls=false`,
    wipe: () => rmSync(data, { recursive: true, force: true }),
  })
}

const double = ({ port, directory, onDeath }: ServerNeeds): EventStoreServer => {
  const file = join(directory, 'log.ndjson')
  const server = createProgram({
    name: 'eventstoredb',
    logFile: join(directory, 'eventstoredb.log'),
    launch: {
      command: process.execPath,
      args: [doubleProgram, '--port', `${port}`, '--file', file],
      env: {},
    },
    ready: 'line',
    ...(onDeath && { onDeath }),
  })
  const own = {
    kind: 'double' as const,
    url: `esdb://127.0.0.1:${port}?tls=false`,
    wipe: () => rmSync(file, { force: true }),
  }
  return Object.defineProperty(Object.assign(server, own), 'controlUrl', {
    // Another one after each start.
    get: () => String(server.ready.controlUrl),
  }) as EventStoreServer
}

/** `program`: of a server, or the address of one that runs; absent: the double. */
export const eventStoreServer = (
  program: string | undefined,
  needs: ServerNeeds,
): EventStoreServer => {
  if (program === undefined) return double(needs)
  if (!isAddress(program)) return ownServer(program, needs)
  return { ...foreignServer('eventstoredb', program), kind: 'foreign' }
}
