import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

type Settings = Readonly<Record<string, string>>

/** The machine's environment without any setting of Pabal's, and with these. */
const environment = (settings: Settings): NodeJS.ProcessEnv => {
  const plain = Object.entries(process.env).filter(([name]) => !name.startsWith('PABAL_'))
  return { ...Object.fromEntries(plain), ...settings }
}

/** Runs a command to its end; throws when it does not come to one in time. */
export const runPabal = async (args: readonly string[], settings: Settings, timeout = 15_000) => {
  const { promise, resolve, reject } = Promise.withResolvers<{
    readonly code: number
    readonly out: string
    readonly err: string
  }>()
  const options = { env: environment(settings), timeout }
  execFile(process.execPath, [main, ...args], options, (error, out, err) => {
    if (error?.killed) return reject(new Error(`It did not end within ${timeout} ms: ${out}${err}`))
    resolve({ code: error ? Number(error.code ?? 1) : 0, out, err })
  })
  return promise
}

export interface Service extends AsyncDisposable {
  readonly url: string
  readonly key: string
  readonly process: ChildProcess
  post(path: string, body: object): Promise<Response>
  get(path: string): Promise<Response>
}

/** Starts the service and waits until it says that it is ready. */
export const startService = async (settings: Settings): Promise<Service> => {
  const env = environment({ PABAL_PORT: '0', PABAL_LOG_LEVEL: 'silent', ...settings })
  const child = spawn(process.execPath, [main, 'start', '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const line = once(createInterface({ input: child.stdout }), 'line')
  const first = await Promise.race([line, ended.then(() => undefined)])
  if (!first) throw new Error('The service did not start.')
  const { url, firstKey: key } = JSON.parse(first[0])
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return {
    url,
    key,
    process: child,
    post: (path, body) =>
      fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) }),
    get: (path) => fetch(url + path, { headers }),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await ended
    },
  }
}
