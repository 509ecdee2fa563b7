import type { SuppressionReason } from '#domain/notification/events.ts'
import type { Accept } from '#handlers/accept.ts'
import type { Channel } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import { VersionConflict } from '#ports/errors.ts'
import type { EventStore, NewEvent } from '#ports/event-store.ts'
import type { Meters } from '#ports/telemetry.ts'
import type { WorkQueue } from '#ports/work-queue.ts'
import { instruments } from './instruments.ts'

interface Needs {
  readonly meters: Meters
  readonly clock: Clock
}

/** What may be told of an event that was appended; each field is optional here, as types vary. */
interface Told {
  readonly outcome?: string
  readonly evidence?: string
  readonly reason?: string
  readonly cause?: string
  readonly channel?: string
  readonly passedOver?: readonly { readonly reason: SuppressionReason }[]
}

const countEvent = (meters: Meters, event: NewEvent): void => {
  meters.add(instruments.appended, 1, event.type)
  const data = event.data as Told
  switch (event.type) {
    case 'NotificationRouted':
      for (const { reason } of data.passedOver ?? []) meters.add(instruments.notSent, 1, reason)
      return
    case 'NotificationSuppressed':
      meters.add(instruments.notSent, 1, data.reason!)
      return
    case 'NotificationDelivered':
      if (data.evidence === 'receipt') meters.add(instruments.receipts, 1, 'delivered')
      return
    case 'NotificationFailed':
      if (data.outcome === 'ambiguous') meters.add(instruments.ambiguous, 1, data.evidence!)
      if (data.evidence === 'receipt') meters.add(instruments.receipts, 1, data.outcome!)
      return
    case 'AddressSuppressed':
      meters.add(instruments.addresses, 1, data.channel!, data.cause!)
      return
    case 'RecipientDeviceRemoved':
      meters.add(instruments.devices, 1, data.reason!)
  }
}

/** Counts what this process appends. Only what succeeded is counted, each call once. */
export const measureEvents = (events: EventStore, { meters, clock }: Needs): EventStore => {
  const append: EventStore['append'] = async (stream, news, options) => {
    const startMs = clock.monotonic()
    try {
      const appended = await events.append(stream, news, options)
      meters.record(instruments.append, (clock.monotonic() - startMs) / 1_000)
      for (const event of news) countEvent(meters, event)
      return appended
    } catch (error) {
      const conflict = error instanceof VersionConflict
      meters.add(conflict ? instruments.appendConflicts : instruments.appendFailures, 1)
      throw error
    }
  }
  return Object.create(events, { append: { value: append } }) as EventStore
}

export const measureAccept =
  (accept: Accept, { meters, clock }: Needs): Accept =>
  async (...asked) => {
    const startMs = clock.monotonic()
    const took = (result: string) =>
      meters.record(instruments.accept, (clock.monotonic() - startMs) / 1_000, result)
    try {
      const answer = await accept(...asked)
      took(answer.replayed ? 'replayed' : 'accepted')
      return answer
    } catch (error) {
      took('refused')
      throw error
    }
  }

/** Counts attempts and what became of them. */
export const measureChannel = <C extends Channel>(channel: C, { meters, clock }: Needs): C => {
  const send: Channel['send'] = async (message, attempt) => {
    const startMs = clock.monotonic()
    const outcome = await channel.send(message, attempt)
    const { provider } = channel
    meters.add(instruments.attempts, 1, provider, outcome.is)
    meters.record(instruments.attempt, (clock.monotonic() - startMs) / 1_000, provider)
    const taken = outcome.is === 'delivered' || outcome.is === 'accepted'
    if (taken && attempt.number === 1 && attempt.sendableAt !== undefined) {
      const seconds = Math.max(0, clock.now() - attempt.sendableAt) / 1_000
      const { channel: way, priority } = message
      meters.record(instruments.acceptToProvider, seconds, way, priority)
    }
    return outcome
  }
  return Object.create(channel, { send: { value: send } }) as C
}

/** Times what is done with work items. */
export const measureQueue = <Q extends WorkQueue>(queue: Q, { meters, clock }: Needs): Q => {
  const consume: WorkQueue['consume'] = (lane, options, handle) =>
    queue.consume(lane, options, async (item) => {
      const startMs = clock.monotonic()
      try {
        await handle(item)
      } finally {
        meters.record(instruments.work, (clock.monotonic() - startMs) / 1_000, lane)
      }
    })
  return Object.create(queue, { consume: { value: consume } }) as Q
}
