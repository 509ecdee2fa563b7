import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { findPrograms, type Programs } from '../../deploy/cluster/programs.ts'
import { type ClusterOptions, startCluster } from '../../deploy/cluster/start-cluster.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const double = fileURLToPath(new URL('eventstoredb/main.ts', import.meta.url))

const found = ((): Programs | undefined => {
  try {
    const programs = findPrograms(process.env)
    return existsSync(double) ? programs : undefined
  } catch {
    return undefined
  }
})()

/** Whether this machine has the programs of a whole cluster. */
export const clusterAvailable = found !== undefined
/** Of the names of suites that are skipped: why. */
export const noCluster = clusterAvailable
  ? ''
  : '(no nats-server, or no MongoDB-speaking server here)'

/** Asks until it is so, every 100 ms; throws after `limitMs`, for something never happened. */
export const until = async (
  what: string,
  isSo: () => Promise<boolean>,
  limitMs = 60_000,
): Promise<void> => {
  for (let waitedMs = 0; waitedMs < limitMs; waitedMs += 100) {
    if (await isSo()) return
    await sleep(100)
  }
  throw new Error(`Within ${limitMs} ms it never came to this: ${what}.`)
}

export const email = (eventId: string, body = 'Hello.') => ({
  eventId,
  to: { email: 'mina@example.org' },
  content: { subject: 'Hello', body },
})

/** A cluster that ends, with all it kept, when its holder does. */
export const openTestCluster = async (options: Partial<ClusterOptions> = {}) => {
  await using opening = new AsyncDisposableStack()
  const directory = temporaryDirectory()
  opening.defer(() => directory[Symbol.dispose]())
  const cluster = opening.use(
    await startCluster({
      sandbox: { receiptDelayMs: 50 },
      ...options,
      settings: { PABAL_LOG_LEVEL: 'error', ...options.settings },
      ...{ directory: directory.path, programs: found! },
    }),
  )
  const headers = {
    authorization: `Bearer ${cluster.firstKey}`,
    'content-type': 'application/json',
  }
  const urlOf = (index: number): string => cluster.processes[index]!.url
  const opened = opening.move()
  return {
    ...cluster,
    directory: directory.path,
    /** Asks the process with this number. */
    get: (path: string, index = 0) => fetch(urlOf(index) + path, { headers }),
    post: (path: string, body: object, index = 0) =>
      fetch(urlOf(index) + path, { method: 'POST', headers, body: JSON.stringify(body) }),
    async statusOf(eventId: string, index = 0): Promise<string> {
      const query = new URLSearchParams({ eventId })
      const answer = await fetch(`${urlOf(index)}/v1/notifications?${query}`, { headers })
      const { status } = (await answer.json()) as { status: string | number }
      return String(status)
    },
    async readiness(index = 0) {
      const answer = await fetch(`${urlOf(index)}/readyz`)
      const { ready, problems } = (await answer.json()) as {
        ready: boolean
        problems: { code: string; provider?: string }[]
      }
      const codes = problems.filter(({ provider }) => !provider).map(({ code }) => code)
      return { status: answer.status, ready, codes }
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

export type TestCluster = Awaited<ReturnType<typeof openTestCluster>>
