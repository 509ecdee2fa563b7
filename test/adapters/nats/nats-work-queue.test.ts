import { afterAll, beforeAll, describe } from 'vitest'
import { workQueueContract } from '../../contracts/work-queue.ts'
import {
  type NatsServer,
  natsServerProgram,
  startNatsServer,
} from '../../support/nats/nats-server.ts'
import { administer, openQueue } from '../../support/nats/open-queue.ts'

const here = natsServerProgram !== undefined

describe.skipIf(!here)(here ? 'on a real server' : 'on NATS (no nats-server here)', () => {
  let server: NatsServer
  beforeAll(async () => {
    server = await startNatsServer()
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  const open = async () => {
    await administer(server.url, (manager) =>
      manager.streams.delete('PABAL_WORK').catch(() => false),
    )
    return openQueue(server.url, { capacity: 1_000 })
  }

  workQueueContract('NATS JetStream', open, {
    capacity: 1_000,
    oncePerLane: false,
    takesInFlight: false,
    exactDepths: false,
    floodItems: 5_000,
  })
})
