import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { within } from '../within.ts'
import type { Arming } from './armed-crash-points.ts'
import type { Order, Report } from './child.ts'
import type { SabotageName } from './sabotage.ts'

const childFile = fileURLToPath(new URL('./child.ts', import.meta.url))
const readyWithinMs = 30_000
const stopWithinMs = 30_000

export interface Ready {
  readonly url: string
  readonly firstKey?: string
}

/** One life of the service. */
export interface Life {
  /** `undefined`: it died before it could answer. */
  readonly ready: Promise<Ready | undefined>
  /** What the child wrote before it killed itself; empty when it was killed from outside. */
  readonly died: Promise<string>
  kill(): void
  /** Ends it as SIGTERM would. */
  stop(): Promise<void>
}

/** Starts one life after the other on the same data; the next child is loaded while one lives. */
export interface Keeper extends AsyncDisposable {
  start(arm?: Arming): Promise<Life>
}

interface Child {
  readonly process: ChildProcess
  readonly loaded: Promise<void>
  readonly said: (wanted: Report['is']) => Promise<Report>
  readonly died: Promise<string>
}

const spawnChild = (directory: string, logFile: number): Child => {
  const child = spawn(process.execPath, [childFile], {
    stdio: ['ignore', 'ignore', logFile, 'pipe', 'ipc'],
    env: { NODE_COMPILE_CACHE: join(directory, 'compile-cache') },
  })
  const reports: Report[] = []
  let changed = Promise.withResolvers<void>()
  child.on('message', (report: Report) => {
    reports.push(report)
    changed.resolve()
    changed = Promise.withResolvers()
  })
  const said = async (wanted: Report['is']): Promise<Report> => {
    for (;;) {
      const found = reports.find(({ is }) => is === wanted || is === 'refused')
      if (found?.is === 'refused') throw new Error(`The service did not start: ${found.why}`)
      if (found) return found
      await changed.promise
    }
  }
  const confirmed = text(child.stdio[3] as NodeJS.ReadableStream)
  const ended = once(child, 'exit')
  const died = ended.then(async () => (await confirmed).trim())
  return { process: child, loaded: said('loaded').then(() => {}), said, died }
}

const lifeOf = (child: Child): Life => {
  const gone = child.died.then(() => undefined)
  const ready = child.said('ready').then((report): Ready => {
    const { url, firstKey } = report as Extract<Report, { is: 'ready' }>
    return { url, ...(firstKey !== undefined && { firstKey }) }
  })
  return {
    ready: within(readyWithinMs, 'A child did not start', Promise.race([ready, gone])),
    died: child.died,
    kill: () => void child.process.kill('SIGKILL'),
    async stop() {
      child.process.send({ do: 'stop' } satisfies Order)
      await within(stopWithinMs, 'A child did not stop', child.died)
    },
  }
}

export const createKeeper = (options: {
  /** Where the children's log lines and compiled sources go. */
  readonly directory: string
  readonly settings: Readonly<Record<string, string>>
  readonly sabotage?: SabotageName
}): Keeper => {
  const { directory, settings, sabotage } = options
  const logFile = openSync(join(directory, 'service.log'), 'a')
  const children = new Set<Child>()
  let closed = false
  const prepare = (): Child => {
    const child = spawnChild(directory, logFile)
    children.add(child)
    void child.died.then(() => children.delete(child))
    return child
  }
  let standby = prepare()
  return {
    async start(arm) {
      if (closed) throw new Error('The campaign is over.')
      const child = standby
      await within(readyWithinMs, 'A child did not load', Promise.race([child.loaded, child.died]))
      const order: Order = {
        do: 'start',
        settings,
        ...(sabotage && { sabotage }),
        ...(arm && { arm }),
      }
      child.process.send(order)
      standby = prepare()
      return lifeOf(child)
    },
    async [Symbol.asyncDispose]() {
      closed = true
      const left = [...children]
      for (const child of left) child.process.kill('SIGKILL')
      await Promise.all(left.map((child) => child.died))
      closeSync(logFile)
    },
  }
}
