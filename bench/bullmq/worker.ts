import { Worker } from 'bullmq'
import Handlebars from 'handlebars'
import { Redis } from 'ioredis'
import { openApnsChannel } from '#adapters/apns/apns-channel.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { uuidOf } from '#domain/identity.ts'
import { Secret } from '#ports/secret.ts'
import { templateText } from '../workload.ts'
import { type PushJob, queueName, statusKey } from './job.ts'

/** A process of its own: takes jobs, renders, pushes as Pabal does, and writes the status to a hash. */

const [redisPort = '', sandboxUrl = ''] = process.argv.slice(2)
const concurrency = 256
const pushDeadlineMs = 10_000

const said = await (await fetch(new URL('/config', sandboxUrl))).json()
const { apns } = said as {
  apns: Record<'url' | 'ca' | 'teamId' | 'keyId' | 'key' | 'topic', string>
}
const channel = await openApnsChannel({
  ...apns,
  key: new Secret(apns.key),
  clock: createSystemClock(),
})
const title = Handlebars.compile(templateText.title, { noEscape: true })
const body = Handlebars.compile(templateText.body, { noEscape: true })
const connection = { port: Number(redisPort), host: '127.0.0.1', maxRetriesPerRequest: null }
const statuses = new Redis({ ...connection, enableAutoPipelining: true })

const worker = new Worker<PushJob>(
  queueName,
  async (job) => {
    const { token, data } = job.data
    const eventId = job.id!
    const outcome = await channel.send(
      {
        channel: 'push',
        app: 'default',
        to: { kind: 'device', platform: 'ios', token },
        content: { title: title(data), body: body(data) },
        priority: 'normal',
        collapseId: eventId,
        deliveryUuid: uuidOf('bench', eventId),
        ref: eventId,
      },
      {
        deliveryId: 'd1',
        number: job.attemptsMade + 1,
        signal: AbortSignal.timeout(pushDeadlineMs),
      },
    )
    if (outcome.is !== 'delivered') throw new Error(`The push ended as ${outcome.is}.`)
    await statuses.hset(statusKey(eventId), { status: outcome.is, at: Date.now() })
  },
  { connection, concurrency },
)
await worker.waitUntilReady()
process.stdout.write(`${JSON.stringify({ ready: true })}\n`)
process.once('SIGTERM', async () => {
  await worker.close()
  await statuses.quit()
  await channel[Symbol.asyncDispose]()
})
