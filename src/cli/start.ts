import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { StartRefused } from '#ports/errors.ts'
import { type App, startApp } from '../app.ts'
import { type Config, type Env, isCluster, parseConfig } from '../config.ts'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
/** What is under way may end; after that the process goes, and loses nothing by it. */
const stopMaxMs = 25_000

/** Runs the simulated providers as a child; they end with us. */
const startSandbox = async (): Promise<string> => {
  const child = spawn(process.execPath, [main, 'sandbox', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.once('exit', () => child.kill())
  const lines = createInterface({ input: child.stdout })
  const [line] = (await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(() => {
      throw new StartRefused(
        'sandbox/not-started',
        'The sandbox did not start; is one running on ports 7080 to 7084? Then set PABAL_SANDBOX_URL=http://127.0.0.1:7080.',
      )
    }),
  ])) as [string]
  return JSON.parse(line).controlUrl
}

const greeting = (app: App, config: Config): string => {
  const where = isCluster(config) ? 'on three servers' : `in ${config.dataDir}`
  const lines = [`Pabal listens on ${app.url}; its data is ${where}.`]
  if (app.firstKey !== undefined) {
    lines.push(
      '',
      `First key of the app "default", with all scopes; it is shown only now:`,
      `  ${app.firstKey}`,
    )
  }
  if (config.sandboxUrl !== undefined) {
    lines.push(
      '',
      `Nothing leaves this machine: the providers are simulated (${config.sandboxUrl}/ledger).`,
    )
  }
  const key = app.firstKey ?? '$KEY'
  lines.push(
    '',
    'Tell somebody something:',
    `  curl -s ${app.url}/v1/notifications -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\`,
    `    -d '{"eventId":"hello-1","to":{"email":"you@example.org"},"content":{"subject":"Hello","body":"From Pabal."}}'`,
    '',
  )
  return lines.join('\n')
}

const untilStopped = async (app: App): Promise<Error | undefined> => {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => resolve(undefined))
  return Promise.race([promise, app.failed])
}

export const runStart = async (args: string[], env: Env): Promise<number> => {
  const { values } = parseArgs({
    args,
    options: {
      sandbox: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      roles: { type: 'string' },
    },
  })
  let config = parseConfig({
    ...env,
    ...(values.roles !== undefined && { PABAL_ROLES: values.roles }),
  })
  if (values.sandbox && config.sandboxUrl === undefined) {
    config = { ...config, sandboxUrl: await startSandbox() }
  }
  const app = await startApp(config)
  // Listened to before anything is printed: a parent may answer the first line with a signal.
  const stopped = untilStopped(app)
  const { url, firstKey, synchronous } = app
  // For programs that start us: one line when we are ready.
  const line = JSON.stringify({ url, firstKey, pid: process.pid, synchronous })
  process.stdout.write(`${values.json ? line : greeting(app, config)}\n`)
  const failure = await stopped
  setTimeout(() => {
    process.stderr.write(
      `pabal: Not all that was under way ended within ${stopMaxMs / 1_000} s. Nothing is lost: what is open is taken up again.\n`,
    )
    process.exit(1)
  }, stopMaxMs).unref()
  await app[Symbol.asyncDispose]()
  // The sandbox, if it is ours, ends with this process.
  process.exit(failure ? 1 : 0)
}
