import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { type Child, startChild } from '../children.ts'
import { perSecond } from '../figures.ts'
import { dataOf, eventIdOf, inParallel, recipientOf, tokenOf, type Workload } from '../workload.ts'
import { type PushJob, queueName, statusKey } from './job.ts'
import { startRedis } from './redis-server.ts'

const chunk = 500
const pollMs = 50

/** A home-made pipeline: jobs in, pushes out, statuses back. Its producer speaks to Redis directly, without HTTP. */
export interface Pipeline extends AsyncDisposable {
  endToEnd(workload: Workload, notifications: number): Promise<number>
}

const readBack = async (redis: Redis, eventIds: readonly string[]): Promise<number> => {
  let delivered = 0
  for (let at = 0; at < eventIds.length; at += chunk) {
    const pipeline = redis.pipeline()
    for (const id of eventIds.slice(at, at + chunk)) pipeline.hget(statusKey(id), 'status')
    for (const [, status] of (await pipeline.exec()) ?? []) if (status === 'delivered') delivered++
  }
  return delivered
}

export const openPipeline = async (dir: string, sandboxUrl: string): Promise<Pipeline> => {
  await using opening = new AsyncDisposableStack()
  const { port } = opening.use(await startRedis(join(dir, 'redis')))
  const worker: Child<unknown> = await startChild({
    script: 'bench/bullmq/worker.ts',
    args: [String(port), sandboxUrl],
  })
  opening.use(worker)
  const connection = { port, host: '127.0.0.1', maxRetriesPerRequest: null }
  const queue = new Queue<PushJob>(queueName, { connection })
  opening.defer(() => queue.close())
  const redis = new Redis(connection)
  opening.defer(() => redis.disconnect())
  const opened = opening.move()

  const jobOf = (workload: Workload, number: number) => ({
    name: 'push',
    data: { token: tokenOf(recipientOf(number, workload.recipients)), data: dataOf(number) },
    opts: {
      jobId: eventIdOf(workload, number),
      attempts: 5,
      backoff: { type: 'exponential', delay: 1_000 },
    },
  })

  return {
    async endToEnd(workload, notifications) {
      const eventIds = Array.from({ length: notifications }, (_, at) => eventIdOf(workload, at))
      const start = performance.now()
      await inParallel(Math.ceil(notifications / chunk), 4, async (part) => {
        const count = Math.min(chunk, notifications - part * chunk)
        const jobs = Array.from({ length: count }, (_, at) => jobOf(workload, part * chunk + at))
        await queue.addBulk(jobs)
      })
      for (let open = 1; open > 0; ) {
        await sleep(pollMs)
        const {
          waiting = 0,
          active = 0,
          prioritized = 0,
          failed = 0,
          delayed = 0,
        } = await queue.getJobCounts()
        if (failed > 0) throw new Error(`${failed} jobs failed.`)
        open = waiting + active + prioritized + delayed
      }
      const delivered = await readBack(redis, eventIds)
      if (delivered < notifications) throw new Error(`Only ${delivered} were delivered.`)
      return perSecond(notifications, performance.now() - start)
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
