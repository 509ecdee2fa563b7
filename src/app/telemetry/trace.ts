import type { Channel } from '#ports/channel.ts'
import type { EventStore, NewEvent } from '#ports/event-store.ts'
import { isSameTrace, type Span, type Tracing } from '#ports/telemetry.ts'
import type { WorkItem, WorkQueue } from '#ports/work-queue.ts'

/** Ends the span with the call, and marks it when the call throws. */
const spanning = async <T>(tracing: Tracing, span: Span, run: () => Promise<T>): Promise<T> => {
  try {
    return await tracing.within(span, run)
  } catch (error) {
    span.fail((error as Error).name)
    throw error
  } finally {
    span.end()
  }
}

const notificationOf = (stream: string) =>
  stream.startsWith('notification-')
    ? { 'pabal.notification.id': stream.slice('notification-'.length) }
    : {}

/**
 * A span for each append. An event of a notification belongs to the notification's own trace, which its
 * events carry: what is recorded in the course of another one (a provider's callback, a cancel) is linked
 * to it. The events name their append as whoever goes on from them.
 */
export const traceEvents = (events: EventStore, tracing: Tracing): EventStore => {
  const append: EventStore['append'] = (stream, news, options) => {
    const own = news[0]?.metadata.traceparent
    const { active } = tracing
    const elsewhere = own !== undefined && active !== undefined && !isSameTrace(own, active)
    const parent = active === undefined || elsewhere ? own : active
    const span = tracing.start(`append ${news[0]?.type}`, {
      kind: 'client',
      ...(parent !== undefined && { parent }),
      ...(elsewhere && { links: [active] }),
      attributes: {
        'db.operation.name': 'append',
        'db.operation.batch.size': news.length,
        'pabal.event.types': news.map((each) => each.type).join(','),
        ...notificationOf(stream),
      },
    })
    const { traceparent } = span
    const traced = news.map(
      (event): NewEvent => ({ ...event, metadata: { ...event.metadata, traceparent } }),
    )
    return spanning(tracing, span, () => events.append(stream, traced, options))
  }
  return Object.create(events, { append: { value: append } }) as EventStore
}

const about = (item: WorkItem) => ({
  'messaging.system': 'pabal',
  'messaging.destination.name': item.lane,
  'pabal.priority': item.priority,
  'pabal.notification.id': item.notificationId,
})

/**
 * A span where an item is handed over and one where it is handled: in the notification's trace, and linked
 * across the queue. An item that time has brought carries no trace; its stream knows it.
 */
export const traceQueue = <Q extends WorkQueue>(
  queue: Q,
  tracing: Tracing,
  events: Pick<EventStore, 'read'>,
): Q => {
  const publish: WorkQueue['publish'] = async (items) => {
    const spans: Span[] = []
    const traced = items.map((item) => {
      const parent = item.traceparent
      if (parent === undefined) return item
      const options = { kind: 'producer', parent, attributes: about(item) } as const
      const span = tracing.start(`publish ${item.lane}`, options)
      spans.push(span)
      return { ...item, traceparent: span.traceparent }
    })
    try {
      return await queue.publish(traced)
    } finally {
      for (const span of spans) span.end()
    }
  }

  const traceOf = async (item: WorkItem): Promise<string | undefined> => {
    if (item.traceparent !== undefined) return item.traceparent
    // Only for its trace: whoever handles the item tells what is wrong with the log.
    const recorded = await events.read(`notification-${item.notificationId}`).catch(() => [])
    return recorded.at(-1)?.metadata.traceparent
  }

  const consume: WorkQueue['consume'] = (lane, options, handle) =>
    queue.consume(lane, options, async (item) => {
      const from = await traceOf(item)
      const span = tracing.start(`process ${lane}`, {
        kind: 'consumer',
        ...(from !== undefined && { parent: from, links: [from] }),
        attributes: about(item),
      })
      return spanning(tracing, span, () => handle(item))
    })

  const traced = { publish: { value: publish }, consume: { value: consume } }
  return Object.create(queue, traced) as Q
}

/** A span for each attempt. Neither the address nor the provider's words are in it. */
export const traceChannel = <C extends Channel>(channel: C, tracing: Tracing): C => {
  const { provider } = channel
  const send: Channel['send'] = (message, attempt) => {
    const span = tracing.start(`send ${provider}`, {
      kind: 'client',
      attributes: {
        'pabal.provider': provider,
        'pabal.channel': message.channel,
        'pabal.notification.id': message.collapseId,
        'pabal.delivery.id': attempt.deliveryId,
        'pabal.attempt': attempt.number,
      },
    })
    return spanning(tracing, span, async () => {
      const outcome = await channel.send(message, attempt)
      span.set({ 'pabal.outcome': outcome.is })
      if ('code' in outcome) span.fail(outcome.code)
      return outcome
    })
  }
  return Object.create(channel, { send: { value: send } }) as C
}
