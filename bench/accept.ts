import { setTimeout as sleep } from 'node:timers/promises'
import { percentile, perSecond } from './figures.ts'
import type { HttpClient } from './http-client.ts'
import { requestOf, type Workload } from './workload.ts'

export interface Accepted {
  readonly count: number
}

const post = async (client: HttpClient, workload: Workload, number: number): Promise<void> => {
  const body = requestOf(workload, number)
  const answer = await client.ask({ method: 'POST', path: '/v1/notifications', body })
  if (answer.status !== 202) {
    throw new Error(`A request was answered ${answer.status}: ${answer.body}`)
  }
}

const atATime = 128

/** As many single requests as the service takes, each producer waiting for its answer. */
export const acceptFlatOut = async (
  client: HttpClient,
  workload: Workload,
  seconds: number,
): Promise<Accepted & { readonly perSecond: number }> => {
  const start = performance.now()
  const end = start + seconds * 1_000
  let next = 0
  let count = 0
  const producer = async (): Promise<void> => {
    while (performance.now() < end) {
      await post(client, workload, next++)
      count += 1
    }
  }
  await Promise.all(Array.from({ length: atATime }, producer))
  return { count, perSecond: perSecond(count, performance.now() - start) }
}

export interface Paced extends Accepted {
  readonly p50Ms: number
  readonly p99Ms: number
  /** When a request was due, milliseconds since the epoch. */
  dueAt(number: number): number
}

/**
 * Requests at fixed times, whether or not earlier ones are answered: each is timed from when it was due, so
 * a pause of the service counts for everybody who would have come during it.
 */
export const acceptPaced = async (
  client: HttpClient,
  workload: Workload,
  pace: { readonly ratePerSecond: number; readonly seconds: number },
): Promise<Paced> => {
  const total = pace.ratePerSecond * pace.seconds
  const everyMs = 1_000 / pace.ratePerSecond
  const latencies: number[] = []
  const open = new Set<Promise<void>>()
  const start = performance.now()
  for (let number = 0; number < total; ) {
    const now = performance.now()
    for (; number < total && start + number * everyMs <= now; number += 1) {
      const dueAt = start + number * everyMs
      const one = post(client, workload, number).then(() => {
        latencies.push(performance.now() - dueAt)
        open.delete(one)
      })
      open.add(one)
    }
    await sleep(1)
  }
  await Promise.all(open)
  return {
    count: total,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    dueAt: (number) => performance.timeOrigin + start + number * everyMs,
  }
}
