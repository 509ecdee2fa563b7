import { wantedSignals } from '#adapters/opentelemetry/wanted.ts'
import { Refusal } from '#domain/recorded-fact.ts'
import { StartRefused } from '#ports/errors.ts'
import { ConfigError } from './config.ts'

type Env = Readonly<Record<string, string | undefined>>
type Command = (args: string[], env: Env) => Promise<number>

/** Each command is loaded only when it is asked for: most of the start is loading. */
const commands: Readonly<
  Record<
    string,
    {
      readonly help: string
      readonly load: () => Promise<Command>
    }
  >
> = {
  start: {
    help: 'start the service (--sandbox: with simulated providers)',
    load: async () => (await import('./cli/start.ts')).runStart,
  },
  demo: {
    help: 'earthquake alerts, a killed service and what became of each notification',
    load: async () => (await import('./cli/demo/demo.ts')).runDemo,
  },
  sandbox: {
    help: 'run the simulated providers alone',
    load: async () => (await import('./cli/sandbox.ts')).runSandbox,
  },
  keys: {
    help: 'issue | list | revoke API keys',
    load: async () => (await import('./cli/keys.ts')).runKeys,
  },
  audit: {
    help: 'replay | show | verify the log, also while the service runs',
    load: async () => (await import('./cli/audit/audit.ts')).runAudit,
  },
  projections: {
    help: 'list | rebuild read models',
    load: async () => (await import('./cli/projections.ts')).runProjections,
  },
  parked: {
    help: 'list | redrive notifications that need a person',
    load: async () => (await import('./cli/parked.ts')).runParked,
  },
  log: {
    help: 'copy a log to another place, and move there',
    load: async () => (await import('./cli/log.ts')).runLog,
  },
  backup: {
    help: 'copy log and read models to an empty directory, also while the service runs',
    load: async () => (await import('./cli/backup.ts')).runBackup,
  },
  doctor: {
    help: 'say what is wrong with settings, servers and providers',
    load: async () => (await import('./cli/doctor/doctor.ts')).runDoctor,
  },
  bench: {
    help: 'measure this machine',
    load: async () => (await import('../bench/main.ts')).runBench,
  },
}

const usage = (): string => {
  const lines = Object.entries(commands).map(([name, { help }]) => `  ${name.padEnd(12)} ${help}`)
  return `Usage: ./pabal <command> [options]\n\n${lines.join('\n')}\n\nSettings are PABAL_… variables: docs/configuration.md\n`
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException & { port?: number } =>
  error instanceof Error && 'syscall' in error

const explain = (error: unknown): string => {
  if (error instanceof ConfigError) return error.message
  if (error instanceof StartRefused || error instanceof Refusal)
    return `${error.message} [${error.code}]`
  if (
    error instanceof TypeError &&
    'code' in error &&
    String(error.code).startsWith('ERR_PARSE_ARGS')
  ) {
    return error.message
  }
  if (isSystemError(error) && error.code === 'EADDRINUSE') {
    return `Port ${error.port} is taken by another program; name another one. [start/port]`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Before anything else is loaded, and only when the standard variables ask for it. */
const startTelemetry = async (env: NodeJS.ProcessEnv): Promise<void> => {
  const { traces, metrics } = wantedSignals(env)
  if (!traces && !metrics) return
  // The SDK reads the environment itself; this is its own name for a default.
  if (!/(?:^|,)\s*service\.name=/.test(env.OTEL_RESOURCE_ATTRIBUTES ?? '')) {
    env.OTEL_SERVICE_NAME ??= 'pabal'
  }
  const { startSdk } = await import('#adapters/opentelemetry/sdk.ts')
  const { allInstruments } = await import('./app/telemetry/instruments.ts')
  startSdk(env, allInstruments)
}

const main = async ([name = '', ...args]: string[]): Promise<number> => {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) {
    const asked = name === '' || name === 'help' || name === '--help' || name === '-h'
    process.stderr.write(asked ? usage() : `There is no command ${name}.\n\n${usage()}`)
    return asked && name !== '' ? 0 : 2
  }
  if (name === 'start') await startTelemetry(process.env)
  const run = await command.load()
  return run(args, process.env)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`pabal: ${explain(error)}\n`)
  process.exitCode = 1
}
