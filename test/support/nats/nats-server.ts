import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from '../../../deploy/cluster/programs.ts'

/** The program of a real server, if this machine has one. */
export const natsServerProgram =
  process.env.PABAL_TEST_NATS_SERVER || findProgram(['nats-server'], process.env.PATH ?? '')

/** `[2, 9, 10]` */
export const natsServerVersion = (): readonly number[] => {
  const said = execFileSync(natsServerProgram!, ['--version'], { encoding: 'utf8' })
  return (/v(\d+)\.(\d+)\.(\d+)/.exec(said) ?? []).slice(1).map(Number)
}

export const freePort = async (): Promise<number> => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  server.close()
  await once(server, 'close')
  return port
}

export interface NatsServer extends AsyncDisposable {
  readonly url: string
  /** As after a crash: SIGKILL. */
  kill(): Promise<void>
  /** Lets it take leave of its cluster. */
  stop(): Promise<void>
  /** Kills it if it runs, and starts it with the same port and store. */
  restart(): Promise<void>
  /** Kills it, deletes all it has stored, and starts it. */
  wipe(): Promise<void>
  pause(): void
  resume(): void
}

export interface NatsServerOptions {
  /** Default: true. */
  readonly jetStream?: boolean
  /** More of the server's configuration, in its own language. */
  readonly config?: string
  /** All of it instead. */
  readonly wholeConfig?: (place: { readonly port: number; readonly store: string }) => string
  readonly env?: Readonly<Record<string, string>>
}

const configuration = (port: number, store: string, options: NatsServerOptions): string =>
  [
    `listen: "127.0.0.1:${port}"`,
    ...((options.jetStream ?? true) ? [`jetstream { store_dir: ${JSON.stringify(store)} }`] : []),
    options.config ?? '',
  ].join('\n')

const run = async (
  program: string,
  file: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> => {
  const child = spawn(program, ['-c', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  })
  const ready = Promise.withResolvers<void>()
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    // Read to the end, else the server would block; kept only until it is ready.
    if (said.length < 100_000) said += text
    if (said.includes('Server is ready')) ready.resolve()
  })
  child.once('error', ready.reject)
  child.once('exit', () => ready.reject(new Error(`nats-server did not start:\n${said}`)))
  await ready.promise
  return child
}

/** A real server on a port and with a store of its own. */
export const startNatsServer = async (options: NatsServerOptions = {}): Promise<NatsServer> => {
  if (natsServerProgram === undefined) throw new Error('There is no nats-server here.')
  const program = natsServerProgram
  const folder = mkdtempSync(join(tmpdir(), 'pabal-nats-'))
  const store = join(folder, 'store')
  const file = join(folder, 'nats.conf')
  const port = await freePort()
  const whole = options.wholeConfig?.({ port, store })
  writeFileSync(file, whole ?? configuration(port, store, options))
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true })
  let child: ChildProcess | undefined = await run(program, file, options.env).catch(
    (error: unknown) => {
      removeFolder()
      throw error
    },
  )

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null) return
    running.kill(signal)
    await once(running, 'exit')
  }
  const kill = (): Promise<void> => end('SIGKILL')
  const start = async (): Promise<void> => {
    await kill()
    child = await run(program, file, options.env)
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    kill,
    stop: () => end('SIGINT'),
    restart: start,
    async wipe() {
      await kill()
      rmSync(store, { recursive: true, force: true })
      await start()
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await kill()
      removeFolder()
    },
  }
}
