import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a program is started with. */
export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>
}

/** A program of the cluster. It can be ended in every way there is, and started again at the same address. */
export interface Program extends AsyncDisposable {
  readonly name: string
  /** Of the process that runs now; `undefined` while none does. */
  readonly pid: number | undefined
  /** What it said last when it was ready; `{}` for those that say nothing. */
  readonly ready: Readonly<Record<string, unknown>>
  /** Gets what it writes to stderr (and to stdout, when that says nothing to us); appended to. */
  readonly logFile: string
  /** Resolves when it can be asked. Does nothing while it runs. */
  start(): Promise<void>
  /** SIGTERM, and SIGKILL to who does not mind it. */
  stop(): Promise<void>
  /** SIGKILL: no handler, no buffer, no goodbye. */
  kill(): Promise<void>
  /** SIGSTOP: it is there and does nothing, until it is thawed. */
  freeze(): void
  thaw(): void
  /** Resolves when the process that runs now is gone, whoever ended it. */
  gone(): Promise<void>
}

export interface ProgramOptions {
  readonly name: string
  readonly logFile: string
  readonly launch: Launch
  /** `line`: it says in one line of JSON that it is ready. Else it is asked until it answers without throwing. */
  readonly ready: 'line' | (() => Promise<void>)
  /** It ended, and nobody here had asked it to. */
  readonly onDeath?: (name: string) => void
}

const readyMaxMs = 60_000
const askEveryMs = 50
/** A service lets what is under way end within 25 s. */
const stopMaxMs = 35_000
const logLinesShown = 8

const isGone = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null

/** The last lines of a log, for a person who has to find out what went wrong. */
const endOf = (logFile: string): string => {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n')
  return lines.slice(-logLinesShown).join('\n')
}

const firstLine = async (child: ChildProcess): Promise<Program['ready']> => {
  const [line] = await once(createInterface({ input: child.stdout! }), 'line')
  return JSON.parse(String(line))
}

const askUntilReady = async (ask: () => Promise<void>, signal: AbortSignal) => {
  for (;;) {
    try {
      await ask()
      return {}
    } catch (error) {
      // Not there yet: whoever waits for us has a limit.
      if (signal.aborted) throw error
      await sleep(askEveryMs)
    }
  }
}

/** Resolves with what it says; rejects when it ends first or is not ready in time. */
const untilReady = async (
  child: ChildProcess,
  { name, ready, logFile }: ProgramOptions,
): Promise<Program['ready']> => {
  const enough = new AbortController()
  const failed = (what: string) =>
    new Error(`${name} ${what}. The end of its log (${logFile}):\n${endOf(logFile)}`)
  try {
    return await Promise.race([
      ready === 'line' ? firstLine(child) : askUntilReady(ready, enough.signal),
      once(child, 'exit', { signal: enough.signal }).then(() => {
        throw failed('ended instead of starting')
      }),
      sleep(readyMaxMs, undefined, { signal: enough.signal }).then(() => {
        throw failed(`was not ready within ${readyMaxMs / 1_000} s`)
      }),
    ])
  } finally {
    enough.abort()
  }
}

const spawnLogged = ({ launch, ready, logFile }: ProgramOptions): ChildProcess => {
  const log = openSync(logFile, 'a')
  // A group of its own: Ctrl-C comes to us alone, and we end it in order.
  const child = spawn(launch.command, launch.args, {
    env: launch.env,
    // Some programs end when their standard input does: then they do not outlive us.
    stdio: ['pipe', ready === 'line' ? 'pipe' : log, log],
    detached: true,
  })
  closeSync(log)
  return child
}

/** Not started yet. It ends with this process at the latest. */
export const createProgram = (options: ProgramOptions): Program => {
  const { name, logFile, onDeath } = options
  let child: ChildProcess | undefined
  let said: Program['ready'] = {}
  let left: Promise<void> = Promise.resolve()
  let asked = false

  const running = (): ChildProcess | undefined => (child && !isGone(child) ? child : undefined)

  const start = async (): Promise<void> => {
    if (running()) return
    asked = false
    const started = spawnLogged(options)
    child = started
    const endWithUs = () => void started.kill('SIGKILL')
    process.once('exit', endWithUs)
    // A program that is not there has no process, only an error: `untilReady` rejects with it.
    const failed = once(started, 'error').then(([error]) => Promise.reject(error as Error))
    left = Promise.race([once(started, 'exit'), failed]).then(
      () => {
        process.off('exit', endWithUs)
        if (!asked) onDeath?.(name)
      },
      () => {},
    )
    failed.catch(() => {})
    try {
      said = await Promise.race([untilReady(started, options), failed])
    } catch (error) {
      asked = true
      started.kill('SIGKILL')
      await left
      throw error
    }
  }

  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    asked = true
    running()?.kill(signal)
    await left
  }

  const stop = async (): Promise<void> => {
    const late = new AbortController()
    // One that was frozen would not hear it.
    running()?.kill('SIGCONT')
    const killing = sleep(stopMaxMs, undefined, { signal: late.signal }).then(
      () => running()?.kill('SIGKILL'),
      () => {},
    )
    await end('SIGTERM')
    late.abort()
    await killing
  }

  return {
    name,
    logFile,
    start,
    stop,
    get pid() {
      return running()?.pid
    },
    get ready() {
      return said
    },
    kill: () => end('SIGKILL'),
    freeze: () => void running()?.kill('SIGSTOP'),
    thaw: () => void running()?.kill('SIGCONT'),
    gone: () => left,
    [Symbol.asyncDispose]: stop,
  }
}
