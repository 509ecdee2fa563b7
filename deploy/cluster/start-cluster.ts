import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type EventStoreServer, eventStoreServer } from './event-store.ts'
import { type MongodbServer, mongodbServer } from './mongodb.ts'
import { natsServer } from './nats.ts'
import {
  type PabalProcess,
  pabalProcess,
  type SandboxOptions,
  type SandboxProgram,
  type Settings,
  sandboxProgram,
} from './pabal.ts'
import { keptPorts } from './ports.ts'
import type { Program } from './program.ts'
import type { Programs } from './programs.ts'
import type { Server } from './servers.ts'

/** What a small installation runs: two of each kind, so that any of them may go. */
export const usualProcesses = [
  ...['api,router,channels', 'api,router,channels'],
  ...['relay,projector,timekeeper', 'relay,projector,timekeeper'],
] as const

export interface ClusterOptions {
  /** Everything is kept in it, and found there again by the next start. */
  readonly directory: string
  readonly programs: Programs
  /** The roles of each process. */
  readonly processes?: readonly string[]
  /** For every process of the service, beside those that make the cluster. */
  readonly settings?: Settings
  readonly sandbox?: SandboxOptions
  /** A program ended, and nobody here had asked it to. */
  readonly onDeath?: (name: string) => void
}

export interface Cluster extends AsyncDisposable {
  readonly servers: {
    readonly eventStore: EventStoreServer
    readonly nats: Server
    readonly mongodb: MongodbServer
  }
  readonly processes: readonly PabalProcess[]
  readonly sandbox: SandboxProgram
  /** Of the app `default`, with all scopes; `undefined` when the log had one already. */
  readonly firstKey: string | undefined
  /** For `./pabal keys`, `audit`, `doctor` and the like, to work on this cluster. */
  readonly settings: Settings
  /** Ends the processes, then sandbox and servers, all of them in order. */
  stop(): Promise<void>
}

/** Made once: with another one no key and no receipt would be recognised. */
const keptSecret = (directory: string): string => {
  const file = join(directory, 'secret.key')
  if (!existsSync(file)) {
    writeFileSync(file, randomBytes(48).toString('base64url'), { mode: 0o600, flag: 'wx' })
  }
  return readFileSync(file, 'utf8')
}

const startServers = async (options: ClusterOptions, opening: AsyncDisposableStack) => {
  const { directory, programs, onDeath } = options
  const portOf = await keptPorts(directory, ['eventstoredb', 'nats', 'mongodb'])
  const needsOf = (name: string) => {
    const own = join(directory, name)
    mkdirSync(own, { recursive: true, mode: 0o700 })
    return { port: portOf(name), directory: own, ...(onDeath && { onDeath }) }
  }
  const servers = {
    eventStore: eventStoreServer(programs.eventStore, needsOf('eventstoredb')),
    nats: natsServer(programs.natsServer, needsOf('nats')),
    mongodb: mongodbServer(programs.mongodbServer, needsOf('mongodb')),
  }
  const all = Object.values(servers)
  for (const server of all) opening.use(server)
  await startAll(all)
  return servers
}

/** At the same time. When one cannot start, the others have still come to rest before it throws. */
const startAll = async (programs: readonly Program[]): Promise<void> => {
  const started = await Promise.allSettled(programs.map((program) => program.start()))
  const failed = started.find((each) => each.status === 'rejected')
  if (failed) throw failed.reason
}

const settingsOf = (
  servers: Cluster['servers'],
  sandbox: SandboxProgram,
  { directory, settings }: ClusterOptions,
): Settings => ({
  PABAL_LOG_LEVEL: 'warn',
  PABAL_SANDBOX_URL: sandbox.controlUrl,
  ...settings,
  PABAL_EVENTSTORE_URL: servers.eventStore.url,
  PABAL_NATS_URL: servers.nats.url,
  PABAL_MONGODB_URL: servers.mongodb.url,
  PABAL_SECRET: keptSecret(directory),
})

const makeProcesses = async (
  { directory, processes = usualProcesses, onDeath }: ClusterOptions,
  settings: Settings,
): Promise<readonly PabalProcess[]> => {
  const names = processes.map((_, index) => `pabal-${index + 1}`)
  const portOf = await keptPorts(directory, names)
  return names.map((name, index) =>
    pabalProcess({
      ...{ name, roles: processes[index]!, port: portOf(name), directory, settings },
      ...(onDeath && { onDeath }),
    }),
  )
}

/** Starts servers, sandbox and service on free ports of this machine; what was started ends when a step throws. */
export const startCluster = async (options: ClusterOptions): Promise<Cluster> => {
  const { directory, onDeath } = options
  await using opening = new AsyncDisposableStack()
  const servers = await startServers(options, opening)
  const sandbox = opening.use(
    sandboxProgram({ directory, ...options.sandbox, ...(onDeath && { onDeath }) }),
  )
  await sandbox.start()
  const settings = settingsOf(servers, sandbox, options)
  const processes = await makeProcesses(options, settings)
  opening.defer(async () => {
    await Promise.all(processes.map((each) => each.stop()))
  })
  // The first one makes the app `default`: two at once would each make a key.
  const first = processes.find(({ roles }) => roles.split(',').includes('api'))
  await first?.start()
  await startAll(processes)
  const firstKey = first?.ready.firstKey
  const running = opening.move()
  const stop = () => running.disposeAsync()
  return {
    ...{ servers, processes, sandbox, settings, stop },
    firstKey: firstKey === undefined ? undefined : String(firstKey),
    [Symbol.asyncDispose]: stop,
  }
}
