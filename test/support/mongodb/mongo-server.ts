import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryDirectory } from '../temporary-directory.ts'
import { serverProgram } from './built-server.ts'

/** A MongoDB-speaking server as a process of its own, on a free port of loopback. */
export interface MongoServer extends AsyncDisposable {
  /** Without a database. */
  readonly url: string
  /** On the same port, with the data it had. */
  start(): Promise<void>
  /** Lets it finish what it does. */
  stop(): Promise<void>
  kill(): Promise<void>
  /** Neither answers nor hangs up, until it is thawed. */
  freeze(): void
  thaw(): void
}

const startMaxMs = 20_000
const stopMaxMs = 10_000

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('There is no port.')
  return address.port
}

const accepts = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

const isRunning = (child: ChildProcess | undefined): child is ChildProcess =>
  child !== undefined && child.exitCode === null && child.signalCode === null

export const startMongoServer = async (): Promise<MongoServer> => {
  const program = serverProgram()
  if (program === undefined) throw new Error('There is no MongoDB-speaking server here.')
  const directory = temporaryDirectory()
  const port = await freePort()
  let child: ChildProcess | undefined

  const start = async (): Promise<void> => {
    const [command, ...args] = program.command(directory.path, port)
    // Its standard input ends with this process; ours then ends too.
    const started = spawn(command, args, { stdio: ['pipe', 'ignore', 'inherit'] })
    child = started
    const until = performance.now() + startMaxMs
    while (!(await accepts(port))) {
      if (!isRunning(started)) throw new Error(`${program.name} ended instead of starting.`)
      if (performance.now() > until) throw new Error(`${program.name} did not start.`)
      await sleep(20)
    }
  }

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!isRunning(child)) return
    const ended = once(child, 'exit')
    child.kill(signal)
    // A frozen process would not see a signal that asks.
    child.kill('SIGCONT')
    const late = setTimeout(() => child?.kill('SIGKILL'), stopMaxMs)
    await ended
    clearTimeout(late)
  }

  await start()
  return {
    url: `mongodb://127.0.0.1:${port}`,
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      await end('SIGKILL')
      directory[Symbol.dispose]()
    },
  }
}
