import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Child extends AsyncDisposable {
  readonly pid: number
  /** The lines it prints until it is killed. */
  readonly lines: AsyncIterable<string>
  /** SIGKILL: it has no say in it. Resolves once it is gone. */
  kill(): Promise<void>
}

/** Runs a file of this folder in a process of its own. */
export const startChild = (file: string, argument: string): Child => {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), argument], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await gone
  }
  return {
    pid: child.pid ?? 0,
    lines: createInterface({ input: child.stdout }),
    kill,
    [Symbol.asyncDispose]: kill,
  }
}
