import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Fault } from './faults.ts'

export interface DoubleProcess extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly child: ChildProcess
  arm(fault: Fault): Promise<void>
  counts(): Promise<Readonly<Record<string, unknown>>>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

/** The double in a process of its own; on the same file it goes on where the last one was killed. */
export const startDouble = async (options: {
  readonly file: string
  readonly port?: number
}): Promise<DoubleProcess> => {
  const main = new URL('./main.ts', import.meta.url).pathname
  const { file, port = 0 } = options
  const child = spawn(process.execPath, [main, '--port', String(port), '--file', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`The double ended: ${code}.`))),
  ])) as [string]
  const { url, controlUrl } = JSON.parse(line) as { url: string; controlUrl: string }
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  return {
    url,
    port: Number(/:(\d+)\?/.exec(url)?.[1]),
    child,
    arm: async (fault) => {
      const answer = await fetch(`${controlUrl}/faults`, {
        method: 'POST',
        body: JSON.stringify(fault),
      })
      if (answer.status !== 204) throw new Error(await answer.text())
    },
    counts: async () =>
      (await (await fetch(`${controlUrl}/counts`)).json()) as Readonly<Record<string, unknown>>,
    kill,
    [Symbol.asyncDispose]: kill,
  }
}
