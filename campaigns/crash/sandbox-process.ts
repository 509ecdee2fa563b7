import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { within } from './within.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const startWithinMs = 20_000
const idleWithinMs = 60_000

/** Faults that every provider gets over within seconds: a 429 or 503 without a time costs FCM a minute. */
const faultMix = { '429': 0, '503': 0 }

/** What one request told the sandbox; see `src/sandbox/ledger.ts`. */
export interface Told {
  /** `<notificationId>.<deliveryId>`. */
  readonly correlation: string
  /** `<notificationId>.<deliveryId>.<attempt>`. */
  readonly attemptRef: string
  readonly taken: boolean
}

/** The simulated providers: they outlive every kill, and their ledger is what is believed. */
export interface SandboxProcess extends AsyncDisposable {
  readonly controlUrl: string
  ledger(): Promise<readonly Told[]>
  /** Resolves when every receipt has been taken or given up. */
  idle(): Promise<void>
}

export const startSandboxProcess = async (options: {
  /** Where its log lines go. */
  readonly directory: string
  readonly seed: number
  readonly faultRate: number
  readonly receiptDelayMs: number
}): Promise<SandboxProcess> => {
  const { directory, seed, faultRate, receiptDelayMs } = options
  const args = ['--json', '--port', '0', '--seed', seed, '--receipt-delay', receiptDelayMs]
  const logFile = openSync(join(directory, 'sandbox.log'), 'a')
  const child = spawn(process.execPath, [main, 'sandbox', ...args.map(String)], {
    stdio: ['ignore', 'pipe', logFile],
    env: {},
  })
  closeSync(logFile)
  const ended = once(child, 'exit')
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const stop = async (): Promise<void> => {
    process.off('exit', kill)
    kill()
    await ended
  }
  try {
    const line = once(createInterface({ input: child.stdout! }), 'line')
    const early = ended.then(() => Promise.reject(new Error('The sandbox ended.')))
    const race = Promise.race([line, early])
    const [text] = (await within(startWithinMs, 'The sandbox did not start', race)) as [string]
    early.catch(() => {})
    const { controlUrl } = JSON.parse(text) as { controlUrl: string }
    await fetch(`${controlUrl}/faults`, {
      method: 'POST',
      body: JSON.stringify({ rate: faultRate, mix: faultMix }),
    })
    return {
      controlUrl,
      async ledger() {
        const lines = (await (await fetch(`${controlUrl}/ledger`)).text()).split('\n')
        return lines.filter((each) => each !== '').map((each) => JSON.parse(each) as Told)
      },
      async idle() {
        await within(idleWithinMs, 'The receipts did not end', fetch(`${controlUrl}/idle`))
      },
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
