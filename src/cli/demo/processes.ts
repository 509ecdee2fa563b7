import { join } from 'node:path'
import type { Clock } from '#ports/clock.ts'
import { type Child, startChild } from './child.ts'
import { DemoFailure } from './failure.ts'
import { type DemoSettings, receiptDelayMs, serviceEnvironment } from './settings.ts'

export interface Processes extends AsyncDisposable {
  readonly url: string
  readonly key: string
  readonly sandboxUrl: string
  readonly kills: number
  /** For `./pabal audit`, when the service has been stopped. */
  readonly auditSettings: Readonly<Record<string, string>>
  /** What runs there, in words. */
  readonly what: string
  /** A command that shows what it left behind. */
  readonly lookAgain: string
  /** Resolves when a service is there to be asked; for a caller whom nobody answers. */
  readonly up: () => Promise<void>
  /** Ends a process of the service by SIGKILL and starts it again at the same address. */
  restart(): Promise<void>
  /** Ends the service in order, so that others may look at its data. */
  stopService(): Promise<void>
}

export interface Needs {
  readonly settings: DemoSettings
  readonly directory: string
  readonly clock: Clock
  readonly signal: AbortSignal
  /** A process that we did not end is gone. */
  readonly onDeath: (error: Error) => void
}

const dataDirOf = (directory: string): string => join(directory, 'data')

const startSandbox = ({ settings, directory, ...needs }: Needs): Promise<Child> => {
  const { seed, faultRate } = settings
  const args = ['sandbox', '--json', '--port', '0', '--seed', `${seed}`, '--faults', `${faultRate}`]
  return startChild({
    ...needs,
    args: [...args, '--receipt-delay', String(receiptDelayMs)],
    env: {},
    logFile: join(directory, 'sandbox.log'),
  })
}

const startService = (needs: Needs, sandboxUrl: string, port: number): Promise<Child> => {
  const { directory, clock, signal } = needs
  return startChild({
    args: ['start', '--json'],
    env: serviceEnvironment({ dataDir: dataDirOf(directory), sandboxUrl, port }),
    logFile: join(directory, 'service.log'),
    clock,
    signal,
  })
}

/** Tells apart the children whose end we have ordered from those that end by themselves. */
const createWatch = ({ directory, onDeath }: Needs) => {
  const ended = new WeakSet<Child>()
  const watch = (child: Child, name: string): Child => {
    void child.gone.then(() => {
      if (ended.has(child)) return
      const log = join(directory, `${name}.log`)
      onDeath(new DemoFailure(`The ${name} ended by itself; its log is ${log}.`))
    })
    return child
  }
  const end = async (child: Child, how: 'stop' | 'kill'): Promise<void> => {
    ended.add(child)
    await child[how]()
  }
  return { watch, end }
}

/** Starts the providers and the service that talks to them. */
export const openProcesses = async (needs: Needs): Promise<Processes> => {
  await using opening = new AsyncDisposableStack()
  const { watch, end } = createWatch(needs)
  const sandbox = watch(await startSandbox(needs), 'sandbox')
  opening.defer(() => end(sandbox, 'stop'))
  const sandboxUrl = String(sandbox.ready.controlUrl)
  const start = async (port: number): Promise<Child> =>
    watch(await startService(needs, sandboxUrl, port), 'service')
  let service = await start(0)
  opening.defer(() => end(service, 'stop'))
  const url = String(service.ready.url)
  const key = String(service.ready.firstKey)
  let kills = 0
  let up: Promise<void> = Promise.resolve()

  const restart = async (): Promise<void> => {
    await end(service, 'kill')
    kills += 1
    // The same port: receipts under way go to the address that their messages named.
    service = await start(Number(new URL(url).port))
  }

  const running = opening.move()
  return {
    url,
    key,
    sandboxUrl,
    auditSettings: { PABAL_DATA_DIR: dataDirOf(needs.directory) },
    what: 'one process, and its data in a directory',
    lookAgain: `PABAL_DATA_DIR=${dataDirOf(needs.directory)} ./pabal audit show --event-id EVENT_ID`,
    get kills() {
      return kills
    },
    up: () => up,
    restart() {
      up = restart()
      // Whoever awaits `up` is told, too.
      up.catch(() => {})
      return up
    },
    stopService: () => end(service, 'stop'),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
