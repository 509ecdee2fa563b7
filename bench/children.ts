import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const startMaxMs = 120_000
const stopMaxMs = 60_000

export interface Child<Ready> extends AsyncDisposable {
  readonly pid: number
  /** What the first line of its output said. */
  readonly ready: Ready
  /** Asks it to end and waits until it has. */
  stop(): Promise<void>
}

export interface ChildOptions {
  /** Path from the root of the repository. */
  readonly script: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly nodeArgs?: readonly string[]
}

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMaxMs)
  await gone
  clearTimeout(timer)
}

/** Settings of the caller's shell must not change what is measured. */
const cleanEnv = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PABAL_')))

/** Starts one of our programs, which says in one line of JSON that it is ready. */
export const startChild = async <Ready>(options: ChildOptions): Promise<Child<Ready>> => {
  const { script, args, env = {}, nodeArgs = [] } = options
  const child = spawn(process.execPath, [...nodeArgs, script, ...args], {
    cwd: root,
    env: { ...cleanEnv(), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  const timer = setTimeout(kill, startMaxMs)
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`${script} ${args[0] ?? ''} ended with ${code} before it was ready.`)
  })
  // Ending later is its normal way.
  gone.catch(() => {})
  const [line] = (await Promise.race([once(createInterface(child.stdout!), 'line'), gone])) as [
    string,
  ]
  clearTimeout(timer)
  return {
    pid: child.pid!,
    ready: JSON.parse(line) as Ready,
    stop: () => end(child),
    [Symbol.asyncDispose]: () => end(child),
  }
}
