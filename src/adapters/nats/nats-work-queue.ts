import type { Lane, Priority } from '#domain/notification/events.ts'
import type { Clock } from '#ports/clock.ts'
import { Unavailable } from '#ports/errors.ts'
import type { Log } from '#ports/log.ts'
import type { DisposableWorkQueue, WorkItem } from '#ports/work-queue.ts'
import { createAnswers } from './answers.ts'
import { refusalOfStream } from './api-errors.ts'
import type { NatsOptions } from './connecting.ts'
import { createDepths } from './depths.ts'
import { createFlights } from './flights.ts'
import { openKeeper } from './keeper.ts'
import { consumeLane } from './lane-consumer.ts'
import { openLink } from './link.ts'
import { createPublishing } from './publishing.ts'
import { createSender } from './sender.ts'
import { ensureWork } from './work-layout.ts'

export interface NatsWorkQueueOptions extends NatsOptions {
  /** Copies of the stream: 1, or 3 in a cluster of three and more. */
  readonly replicas: number
  readonly clock: Clock
  readonly log: Log
  /** Hears of handlers that threw; their items are acknowledged all the same. */
  readonly onError?: (error: unknown, item: WorkItem) => void
  /** Items that may wait per lane and priority, about: publishers do not know of one another. Default: 1,000,000. */
  readonly capacity?: number
  /** An item whose process is silent for this long comes back. Default: 30,000. */
  readonly ackWaitMs?: number
}

const capacityDefault = 1_000_000
const ackWaitMsDefault = 30_000
const answerWaitMs = 5_000
/** A full lane is looked at again after the first, then after twice as long, up to the second. */
const roomLookMs = { first: 5, last: 200 }
const stopMs = 12_000

/**
 * Lanes on one work-queue stream of JetStream. Several processes share them. Throws `StartRefused` when the
 * first connection cannot be made or the stream cannot be there; afterwards it comes back by itself.
 */
export const openNatsWorkQueue = async (
  options: NatsWorkQueueOptions,
): Promise<DisposableWorkQueue> => {
  const { clock, log, replicas, onError = () => {} } = options
  const { capacity = capacityDefault, ackWaitMs = ackWaitMsDefault } = options
  await using opening = new AsyncDisposableStack()
  const link = opening.use(await openLink({ ...options, name: 'pabal work' }))
  const { connection } = link
  const refuse = (error: unknown): never => {
    throw refusalOfStream(error, 'work', link.shown)
  }
  const manager = await connection
    .jetstreamManager({ timeout: answerWaitMs, checkAPI: false })
    .catch(refuse)
  const ensure = (adjust: boolean) =>
    ensureWork(manager, connection.info?.version, { replicas, ackWaitMs }, { adjust, log })
  const keeper = opening.use(
    await openKeeper({ link, stream: 'PABAL_WORK', ensure, clock, log }).catch(refuse),
  )
  const answers = opening.use(createAnswers({ connection, clock, timeoutMs: answerWaitMs }))
  const sender = createSender(answers)
  const depths = createDepths({ manager, capacity, clock })
  keeper.onRestored(depths.forget)
  const flights = createFlights({ connection, answers, clock, ackWaitMs })
  const publish = createPublishing({ link, sender, depths, finished: flights.finished })
  const end = new AbortController()
  const consuming = new Set<Promise<void>>()

  const keepAlive = async (): Promise<void> => {
    while (!closed.signal.aborted) {
      await clock.sleep(ackWaitMs / 8, closed.signal)
      flights.keepAlive()
    }
  }
  /** Later than `end`: handlers that still run are kept alive. */
  const closed = new AbortController()
  opening.defer(() => closed.abort())
  void keepAlive()

  const refuseClosed = (): void => {
    if (end.signal.aborted) throw new Unavailable('queue/closed', 'The queue has been closed.')
  }

  /** Whatever a request met: if the stream was the reason, it is made again. */
  const orRestore = async <T>(result: Promise<T>): Promise<T> => {
    try {
      return await result
    } catch (error) {
      if (error instanceof Unavailable && link.isUp()) void keeper.restore()
      throw error
    }
  }

  const opened = opening.move()
  let closing: Promise<void> | undefined
  return {
    volatile: false,
    epoch: keeper.epoch,
    publish: async (items) => {
      refuseClosed()
      return orRestore(publish(items))
    },
    consume: async (lane, { slots, signal }, handle) => {
      refuseClosed()
      if (!(Number.isInteger(slots) && slots >= 1))
        throw new RangeError(`A consumer has at least one slot, not ${slots}.`)
      const options = { slots, signal: AbortSignal.any([signal, end.signal]) }
      const done = consumeLane({ link, keeper, flights, clock, onError }, lane, options, handle)
      consuming.add(done)
      await done.finally(() => consuming.delete(done))
    },
    depths: async () => {
      refuseClosed()
      await link.up()
      return orRestore(depths.depths())
    },
    room: async (lane: Lane, priority: Priority, signal) => {
      const stop = AbortSignal.any([signal, end.signal])
      for (let ms = roomLookMs.first; !stop.aborted; ms = Math.min(ms * 2, roomLookMs.last)) {
        // A server that is away has no room; whoever waits is told nothing until it is back.
        const has = link.isUp() && (await depths.hasRoom({ lane, priority }).catch(() => false))
        if (has) return
        await clock.sleep(ms, stop)
      }
    },
    [Symbol.asyncDispose]: () => {
      closing ??= (async () => {
        end.abort()
        const ended = new AbortController()
        await Promise.race([Promise.all(consuming), clock.sleep(stopMs, ended.signal)])
        ended.abort()
        await opened.disposeAsync()
      })()
      return closing
    },
  }
}
