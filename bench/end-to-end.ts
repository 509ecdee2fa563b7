import { setTimeout as sleep } from 'node:timers/promises'
import { sendBatch } from './batch.ts'
import { perSecond } from './figures.ts'
import type { HttpClient } from './http-client.ts'
import { eventIdOf, type Workload } from './workload.ts'

const batches = 4
const pollMs = 50
const pageMax = 200
const settledMaxMs = 3_600_000

interface Queues {
  readonly lanes: readonly { readonly waiting: number; readonly inFlight: number }[]
  readonly projections: readonly { readonly projection: string; readonly caughtUp: boolean }[]
}

interface Page {
  readonly items: readonly { readonly eventId: string; readonly status: string }[]
  readonly cursor?: string
}

const get = async (client: HttpClient, path: string): Promise<unknown> => {
  const { status, body } = await client.ask({ method: 'GET', path })
  if (status !== 200) throw new Error(`GET ${path} was answered ${status}: ${body}`)
  return JSON.parse(body)
}

/** Resolves once no lane has work and the read models hold the whole log. */
export const settled = async (client: HttpClient): Promise<void> => {
  const end = performance.now() + settledMaxMs
  for (let quiet = 0; quiet < 2; ) {
    const { lanes, projections } = (await get(client, '/v1/queues')) as Queues
    const idle = lanes.every(({ waiting, inFlight }) => waiting + inFlight === 0)
    quiet = idle && projections.every((each) => each.caughtUp) ? quiet + 1 : 0
    if (performance.now() > end) throw new Error('The service does not come to rest.')
    await sleep(pollMs)
  }
}

/** Reads the history page by page and strikes off what is delivered. */
const readBack = async (client: HttpClient, since: string, open: Set<string>): Promise<void> => {
  const query = `status=delivered&limit=${pageMax}&from=${since}`
  let cursor: string | undefined
  do {
    const after = cursor === undefined ? '' : `&cursor=${cursor}`
    const page = (await get(client, `/v1/notifications?${query}${after}`)) as Page
    for (const { eventId, status } of page.items) {
      if (status === 'delivered') open.delete(eventId)
    }
    cursor = page.cursor
  } while (cursor !== undefined && open.size > 0)
}

/**
 * From the first byte of the first batch until the status of every single one was read back as delivered.
 */
export const endToEnd = async (
  service: { readonly url: string; readonly key: string },
  client: HttpClient,
  workload: Workload,
  notifications: number,
): Promise<{ readonly perSecond: number; readonly acceptedMs: number; readonly ms: number }> => {
  const open = new Set<string>()
  for (let number = 0; number < notifications; number += 1) open.add(eventIdOf(workload, number))
  const since = new Date().toISOString()
  const start = performance.now()
  const share = Math.ceil(notifications / batches)
  await Promise.all(
    Array.from({ length: batches }, (_, index) => {
      const from = Math.min(notifications, index * share)
      return sendBatch(service, workload, from, Math.min(notifications, from + share))
    }),
  )
  const acceptedMs = performance.now() - start
  for (let tries = 0; open.size > 0; tries += 1) {
    if (tries > 20) throw new Error(`${open.size} notifications were not delivered.`)
    await settled(client)
    await readBack(client, since, open)
  }
  const ms = performance.now() - start
  return { perSecond: perSecond(notifications, ms), acceptedMs, ms }
}
