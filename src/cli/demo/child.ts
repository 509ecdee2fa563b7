import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Clock } from '#ports/clock.ts'
import { DemoFailure } from './failure.ts'

const main = fileURLToPath(new URL('../../main.ts', import.meta.url))
const readyMaxMs = 30_000
const stopMaxMs = 10_000
const logLinesShown = 5

/** A `pabal` command in a process of its own, which said on one line that it is ready. */
export interface Child {
  /** What it said. */
  readonly ready: Readonly<Record<string, unknown>>
  readonly pid: number
  /** Resolves when the process is gone, whoever ended it. */
  readonly gone: Promise<void>
  /** Nothing in it runs on: no handler, no buffer, no goodbye. */
  kill(): Promise<void>
  /** Asks it to end, and ends it if it does not. */
  stop(): Promise<void>
}

export interface ChildOptions {
  readonly args: readonly string[]
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>
  /** Gets what it writes to stderr; appended to. */
  readonly logFile: string
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** The last lines of a log, for a person who has to find out what went wrong. */
const endOf = (logFile: string): string => {
  const log = readFileSync(logFile, 'utf8').trimEnd()
  if (log === '') return 'Its log is empty.'
  return `The end of its log:\n${log.split('\n').slice(-logLinesShown).join('\n')}`
}

const isGone = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null

const firstLine = async (child: ChildProcess, options: ChildOptions): Promise<string> => {
  const { clock, signal, logFile, args } = options
  const enough = new AbortController()
  const waiting = AbortSignal.any([signal, enough.signal])
  const lines = createInterface({ input: child.stdout! })
  const failed = (what: string) => new DemoFailure(`pabal ${args[0]} ${what}. ${endOf(logFile)}`)
  try {
    const line = await Promise.race([
      once(lines, 'line', { signal: waiting }).then(([text]) => String(text)),
      once(child, 'exit', { signal: waiting }).then(() => undefined),
      clock.sleep(readyMaxMs, waiting).then(() => ''),
    ])
    signal.throwIfAborted()
    if (line === undefined) throw failed('ended instead of starting')
    if (line === '') throw failed(`was not ready within ${readyMaxMs / 1_000} s`)
    return line
  } finally {
    enough.abort()
  }
}

/** Resolves when the child is ready. It ends with this process at the latest. */
export const startChild = async (options: ChildOptions): Promise<Child> => {
  const { args, env, logFile, clock } = options
  const log = openSync(logFile, 'a')
  // A group of its own: Ctrl-C comes to us alone, and we end it in order.
  const child = spawn(process.execPath, [main, ...args], {
    env,
    stdio: ['ignore', 'pipe', log],
    detached: true,
  })
  closeSync(log)
  const endWithUs = () => void child.kill('SIGKILL')
  process.once('exit', endWithUs)
  const gone = once(child, 'exit').then(() => void process.removeListener('exit', endWithUs))
  const kill = async () => {
    if (!isGone(child)) child.kill('SIGKILL')
    await gone
  }
  const stop = async () => {
    if (!isGone(child)) child.kill('SIGTERM')
    const stopped = new AbortController()
    await Promise.race([gone, clock.sleep(stopMaxMs, stopped.signal)])
    stopped.abort()
    await kill()
  }
  try {
    const ready = JSON.parse(await firstLine(child, options)) as Child['ready']
    return { ready, pid: child.pid!, gone, kill, stop }
  } catch (error) {
    await kill()
    throw error
  }
}

/** Runs a command to its end; answers its exit code. What it says goes to `logFile`. */
export const runToEnd = async (
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  logFile: string,
): Promise<number> => {
  const log = openSync(logFile, 'w')
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', log, log] })
  closeSync(log)
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}
