import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createProgram, type Launch, type Program } from './program.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export type Settings = Readonly<Record<string, string>>

/** One process of the service. */
export interface PabalProcess extends Program {
  /** As given to `--roles`. */
  readonly roles: string
  readonly url: string
}

/** Runs our own command; `nodeArgs` for a profile, say. */
export const pabalLaunch = (
  args: readonly string[],
  env: Settings,
  nodeArgs: readonly string[] = [],
): Launch => ({ command: process.execPath, args: [...nodeArgs, main, ...args], env })

export const pabalProcess = (needs: {
  readonly name: string
  readonly roles: string
  readonly port: number
  readonly directory: string
  readonly settings: Settings
  readonly nodeArgs?: readonly string[]
  readonly onDeath?: (name: string) => void
}): PabalProcess => {
  const { name, roles, port, directory, settings, nodeArgs, onDeath } = needs
  const env = { ...settings, PABAL_PORT: `${port}` }
  const program = createProgram({
    name,
    logFile: join(directory, `${name}.log`),
    launch: pabalLaunch(['start', '--json', '--roles', roles], env, nodeArgs),
    ready: 'line',
    ...(onDeath && { onDeath }),
  })
  return Object.assign(program, { roles, url: `http://127.0.0.1:${port}` })
}

/** The simulated providers. Keys and ledger are new after each start. */
export interface SandboxProgram extends Program {
  readonly controlUrl: string
}

export interface SandboxOptions {
  readonly seed?: number
  /** Share of all requests that go wrong, 0 to 1. */
  readonly faultRate?: number
  readonly receiptDelayMs?: number
}

export const sandboxProgram = (
  needs: {
    readonly directory: string
    readonly onDeath?: (name: string) => void
  } & SandboxOptions,
): SandboxProgram => {
  const { directory, onDeath, seed = 1, faultRate = 0, receiptDelayMs = 200 } = needs
  const options = ['--seed', seed, '--faults', faultRate, '--receipt-delay', receiptDelayMs]
  const program = createProgram({
    name: 'sandbox',
    logFile: join(directory, 'sandbox.log'),
    launch: pabalLaunch(['sandbox', '--json', '--port', '0', ...options.map(String)], {}),
    ready: 'line',
    ...(onDeath && { onDeath }),
  })
  return Object.defineProperty(program, 'controlUrl', {
    get: () => String(program.ready.controlUrl),
  }) as SandboxProgram
}
