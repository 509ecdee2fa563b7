import { connect, type JetStreamManager } from 'nats'
import { type NatsWorkQueueOptions, openNatsWorkQueue } from '#adapters/nats/nats-work-queue.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import type { Log } from '#ports/log.ts'
import type { DisposableWorkQueue } from '#ports/work-queue.ts'

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

export const openQueue = (
  url: string,
  options: Partial<NatsWorkQueueOptions> = {},
): Promise<DisposableWorkQueue> =>
  openNatsWorkQueue({ url, replicas: 1, clock: createSystemClock(), log: silentLog, ...options })

/** An administrator beside the queue. */
export const administer = async <T>(
  url: string,
  work: (manager: JetStreamManager) => Promise<T>,
): Promise<T> => {
  const connection = await connect({ servers: url.replace('nats://', '') })
  try {
    return await work(await connection.jetstreamManager({ checkAPI: false }))
  } finally {
    await connection.close()
  }
}
