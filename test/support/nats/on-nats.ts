import { afterAll, beforeAll, describe } from 'vitest'
import type { NatsWorkQueueOptions } from '#adapters/nats/nats-work-queue.ts'
import type { DisposableWorkQueue } from '#ports/work-queue.ts'
import { type NatsServer, natsServerProgram, startNatsServer } from './nats-server.ts'
import { administer, openQueue } from './open-queue.ts'

export interface OnNats {
  server(): NatsServer
  /** On an empty stream. */
  openFresh(options?: Partial<NatsWorkQueueOptions>): Promise<DisposableWorkQueue>
}

/** Tests that share one real server; skipped by name where there is none. */
export const describeOnNats = (subject: string, tests: (on: OnNats) => void): void => {
  const here = natsServerProgram !== undefined
  describe.skipIf(!here)(here ? subject : `${subject} (no nats-server here)`, () => {
    let server: NatsServer | undefined
    beforeAll(async () => {
      server = await startNatsServer()
    })
    afterAll(() => server?.[Symbol.asyncDispose]())
    tests({
      server: () => server!,
      async openFresh(options) {
        // Emptied, not deleted: nats-server 2.15 now and then hands the first item of a stream that was deleted
        // and made again at once to an asker of the old one, and it comes back only after `ackWaitMs`.
        await administer(server!.url, (manager) =>
          manager.streams.purge('PABAL_WORK').catch(() => false),
        )
        return openQueue(server!.url, options)
      },
    })
  })
}
