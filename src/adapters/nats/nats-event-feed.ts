import { DiscardPolicy, headers, nanos, RetentionPolicy } from 'nats'
import type { Clock } from '#ports/clock.ts'
import { Unavailable } from '#ports/errors.ts'
import type { DisposableEventFeed, FeedEvent } from '#ports/event-feed.ts'
import type { Log } from '#ports/log.ts'
import { createAnswers } from './answers.ts'
import { refusalOfStream } from './api-errors.ts'
import type { NatsOptions } from './connecting.ts'
import { openKeeper } from './keeper.ts'
import { openLink } from './link.ts'
import { createSender, failureOf } from './sender.ts'
import { ensureStream } from './streams.ts'

export interface NatsEventFeedOptions extends NatsOptions {
  readonly replicas: number
  readonly clock: Clock
  readonly log: Log
  /** Events are kept for this long. Default: a day. */
  readonly maxAgeMs?: number
  /** The oldest go when there are more bytes. Default: 1 GiB. */
  readonly maxBytes?: number
  /**
   * An answer does not wait for the disk of a single server (2.12). Much faster there with `sync_interval:
   * always`; what its power failure takes is not told again. Default: false.
   */
  readonly persistLate?: boolean
}

export const eventsStream = 'PABAL_EVENTS'
const maxAgeMsDefault = 24 * 3_600_000
const maxBytesDefault = 2 ** 30
const duplicateWindowMs = 120_000
const answerWaitMs = 5_000
/** Left of the largest message for its headers. */
const headersMax = 1_024

const safe = /^[A-Za-z0-9-]{1,64}$/

/** Text that is no plain word never stands raw in a subject; `_` begins no plain word. */
const token = (text: string): string =>
  safe.test(text) ? text : `_${Buffer.from(text).toString('base64url')}`

/** `pabal.events.<app>.<kind>.<type>`; the kind is the first word of the stream's name. */
export const eventSubject = ({ stream, type, metadata }: FeedEvent): string => {
  const kind = stream.slice(0, stream.indexOf('-'))
  return `pabal.events.${token(metadata.app)}.${token(kind)}.${token(type)}`
}

/** Named one by one: what is not named here does not leave. Too large for NATS, it goes without its data. */
const payloadOf = (event: FeedEvent, bytesMax: number): string => {
  const { id, type, schemaVersion, stream, revision, position, data, metadata } = event
  const { at, app, actor, correlationId, causationId } = metadata
  const envelope = {
    ...{ id, type, schemaVersion, stream, revision, position },
    ...{ at, app, actor, correlationId, causationId },
  }
  const whole = JSON.stringify({ ...envelope, data })
  if (Buffer.byteLength(whole) <= bytesMax) return whole
  return JSON.stringify({ ...envelope, dataLeftOut: true })
}

const headersOf = ({ id, metadata }: FeedEvent) => {
  const made = headers()
  made.set('Nats-Msg-Id', id)
  if (metadata.traceparent !== undefined) made.set('traceparent', metadata.traceparent)
  return made
}

/** The events of the log as a stream for other services. Throws `StartRefused` when it cannot be there. */
export const openNatsEventFeed = async (
  options: NatsEventFeedOptions,
): Promise<DisposableEventFeed> => {
  const { clock, log, replicas } = options
  const { maxAgeMs = maxAgeMsDefault, maxBytes = maxBytesDefault, persistLate = false } = options
  await using opening = new AsyncDisposableStack()
  const link = opening.use(await openLink({ ...options, name: 'pabal events' }))
  const { connection } = link
  const refuse = (error: unknown): never => {
    throw refusalOfStream(error, 'events', link.shown)
  }
  const manager = await connection
    .jetstreamManager({ timeout: answerWaitMs, checkAPI: false })
    .catch(refuse)
  const config = {
    name: eventsStream,
    description: 'Every event of Pabal without its personal part, for other services.',
    subjects: ['pabal.events.>'],
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_age: nanos(maxAgeMs),
    max_bytes: maxBytes,
    duplicate_window: nanos(Math.min(duplicateWindowMs, maxAgeMs)),
    num_replicas: replicas,
  }
  const ensure = (adjust: boolean) =>
    ensureStream(manager, connection.info?.version, config, { adjust, persistLate, log })
  const keeper = opening.use(
    await openKeeper({ link, stream: eventsStream, ensure, clock, log }).catch(refuse),
  )
  const answers = opening.use(createAnswers({ connection, clock, timeoutMs: answerWaitMs }))
  const sender = createSender(answers)
  const opened = opening.move()

  return {
    async publish(events) {
      if (connection.isClosed()) throw new Unavailable('queue/closed', 'The feed has been closed.')
      await link.up()
      const bytesMax = (connection.info?.max_payload ?? 2 ** 20) - headersMax
      const fates = await Promise.all(
        events.map((event) =>
          sender.send(eventSubject(event), payloadOf(event, bytesMax), headersOf(event)),
        ),
      )
      // Full by limits that somebody has set by hand: nothing else refuses here.
      const failed = failureOf(
        fates.map((fate) => (fate === 'full' || fate === 'waiting' ? 'no-storage' : fate)),
        link.shown,
      )
      if (failed === undefined) return
      void keeper.restore()
      throw failed
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
