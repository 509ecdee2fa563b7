import { Events, type NatsConnection } from 'nats'
import type { Clock } from '#ports/clock.ts'
import { Unavailable } from '#ports/errors.ts'
import type { Log } from '#ports/log.ts'
import { connectNats, type NatsOptions } from './connecting.ts'

/** One connection, and whether it stands. */
export interface Link extends AsyncDisposable {
  readonly connection: NatsConnection
  readonly shown: string
  isUp(): boolean
  /** Waits a bounded time for the connection, else throws `Unavailable('queue/disconnected')`. */
  up(): Promise<void>
  /** Called each time when the connection is back: what had been asked before is not answered any more. */
  onBack(listener: () => void): void
}

/** A short break, such as a server's restart, is sat out; then whoever publishes is told. */
const patienceMs = 2_000
const closeMs = 2_000

export const openLink = async (
  options: NatsOptions & {
    readonly name: string
    readonly clock: Pick<Clock, 'sleep'>
    readonly log: Log
  },
): Promise<Link> => {
  const { clock, log } = options
  const { connection, shown } = await connectNats(options)
  const listeners: (() => void)[] = []
  let isUp = true
  let isClosing = false
  let back = Promise.withResolvers<void>()

  const watch = async (): Promise<void> => {
    for await (const { type, data } of connection.status()) {
      if (type === Events.Disconnect) {
        if (isUp && !isClosing) log.warn('The connection to NATS is lost; it is made anew.')
        isUp = false
      } else if (type === Events.Reconnect) {
        isUp = true
        log.info('The connection to NATS is back.')
        back.resolve()
        back = Promise.withResolvers<void>()
        for (const listener of listeners) listener()
      } else if (type === Events.Error) {
        log.warn('NATS reports an error.', { code: String(data) })
      }
    }
  }
  void watch()

  return {
    connection,
    shown,
    isUp: () => isUp,
    async up() {
      if (isUp) return
      const waited = new AbortController()
      await Promise.race([back.promise, clock.sleep(patienceMs, waited.signal)])
      waited.abort()
      if (!isUp)
        throw new Unavailable('queue/disconnected', `There is no connection to NATS at ${shown}.`)
    },
    onBack: (listener) => void listeners.push(listener),
    async [Symbol.asyncDispose]() {
      if (isClosing) return
      isClosing = true
      const closed = new AbortController()
      // What is written goes out first; a server that is away is not waited for.
      if (isUp)
        await Promise.race([
          connection.flush().catch(() => {}),
          clock.sleep(closeMs, closed.signal),
        ])
      closed.abort()
      await connection.close()
    },
  }
}
