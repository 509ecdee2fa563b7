import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import type { Env } from '../../config.ts'
import { DemoFailure, DemoSkipped } from './failure.ts'
import { runDemoIn } from './run.ts'
import { createScreen } from './screen.ts'
import { type DemoSettings, demoUsage, parseDemoArgs } from './settings.ts'

const interruptedCode = 130
const misusedCode = 2

/** Ctrl-C was pressed. */
class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/** The first signal ends the demo in order, the second at once; children end with this process. */
const listenForSignals = (stopping: AbortController): Disposable => {
  const stop = (): void => {
    if (stopping.signal.aborted) process.exit(interruptedCode)
    stopping.abort(new Interrupted())
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, stop)
  return {
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, stop)
    },
  }
}

/** Also when the process is ended in a hurry. */
const temporaryFolder = (): Disposable & { readonly path: string; keep(): void } => {
  const path = mkdtempSync(join(tmpdir(), 'pabal-demo-'))
  const remove = (): void => rmSync(path, { recursive: true, force: true })
  process.once('exit', remove)
  return {
    path,
    keep: () => void process.off('exit', remove),
    [Symbol.dispose]() {
      if (!process.listeners('exit').includes(remove)) return
      process.off('exit', remove)
      remove()
    },
  }
}

/** The settings, or the exit code when there is nothing to run. */
const settingsOf = (args: string[]): DemoSettings | number => {
  try {
    const settings = parseDemoArgs(args)
    if (!settings) process.stdout.write(demoUsage)
    return settings ?? 0
  } catch (error) {
    if (!(error instanceof DemoFailure)) throw error
    process.stderr.write(`${error.message}\n\n${demoUsage}`)
    return misusedCode
  }
}

/** Earthquake alerts to people around the world, with a service that is killed half-way. */
export const runDemo = async (args: string[], env: Env): Promise<number> => {
  const settings = settingsOf(args)
  if (typeof settings === 'number') return settings
  const clock = createSystemClock()
  const screen = createScreen(settings.json ? process.stderr : process.stdout, clock)
  const stopping = new AbortController()
  using folder = temporaryFolder()
  using _signals = listenForSignals(stopping)
  try {
    const { tally, clean } = await runDemoIn({
      settings,
      clock,
      screen,
      stopping,
      directory: folder.path,
      env,
    })
    if (!clean || settings.keep) folder.keep()
    if (settings.json) process.stdout.write(`${JSON.stringify(tally)}\n`)
    return clean ? 0 : 1
  } catch (error) {
    const reason = stopping.signal.aborted ? stopping.signal.reason : error
    if (reason instanceof Interrupted) {
      screen.say('Stopped: service and sandbox have ended, their data is removed.')
      return interruptedCode
    }
    if (reason instanceof DemoSkipped) {
      screen.say(`There is no cluster to be had. ${reason.message}`)
      return reason.exitCode
    }
    if (!(reason instanceof DemoFailure)) throw reason
    if (existsSync(folder.path)) folder.keep()
    screen.say(`The demo could not go on. ${reason.message}\nLogs and data stay in ${folder.path}.`)
    return 1
  }
}
