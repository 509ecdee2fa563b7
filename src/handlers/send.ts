import type { Command } from '#domain/notification/commands.ts'
import type { RequestedPersonal } from '#domain/notification/events.ts'
import type { Policies } from '#domain/notification/policy.ts'
import type { Delivery, Notification } from '#domain/notification/state.ts'
import type { Channel, Outcome, RenderedContent } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import type { CrashPoints } from '#ports/crash-points.ts'
import { Unavailable } from '#ports/errors.ts'
import type { Random } from '#ports/random.ts'
import type { Consequences } from './consequences.ts'
import type { Permit } from './credentials.ts'
import { createDeadlines } from './deadlines.ts'
import type { createDestinations, Destination } from './endpoints.ts'
import type { Messages } from './messages.ts'
import type { Removals } from './removals.ts'

/** An attempt whose fence stands. */
export interface Fenced {
  readonly notificationId: string
  readonly notification: Notification
  readonly personal: RequestedPersonal
  readonly delivery: Delivery
  readonly attempt: number
  readonly permit: Permit
  readonly content: RenderedContent
  /** The address that the fence names. */
  readonly text: string
  /** Monotonic time at which the fence was sent to the log. */
  readonly fencedAtMs: number
}

/** Sends a fenced attempt and says what to record of it. Never throws for what a provider did. */
export type Send = (fenced: Fenced) => Promise<Command>

/** What was read this long ago need not be read again: enough of the second is left. */
const tailFreshMs = 250
/** No first byte leaves later than this after the recipient was read. */
const tailAgeMaxMs = 1_000
/** Nor later than this after the fence was sent: somebody may have resolved the attempt since. */
const fenceAgeMaxMs = 2_000

/** Of APNs' 410, whose body says since when the token is dead. */
const codesWithTime: ReadonlySet<string> = new Set(['Unregistered', 'ExpiredToken'])

/** Of an attempt that left. `retry` and `ambiguous` may be what was made of silence. */
const isAnswered = ({ is }: Outcome): boolean => is !== 'retry' && is !== 'ambiguous'

type Found = Extract<Destination, { to: unknown }>

export const createSend = (needs: {
  readonly channels: ReadonlyMap<string, Channel>
  readonly destinations: ReturnType<typeof createDestinations>
  readonly messages: Messages
  readonly removals: Removals
  readonly consequences: Consequences
  readonly policies: Policies
  readonly clock: Clock
  readonly random: Random
  readonly crashPoints: CrashPoints
}): Send => {
  const { channels, destinations, messages, removals, consequences } = needs
  const { policies, clock, random, crashPoints } = needs
  const deadlineIn = createDeadlines(clock)
  const onWritten = () => crashPoints.reachWhenOut('bytes-out-no-answer')

  const record = (fenced: Fenced, outcome: Outcome): Command => ({
    do: 'record-outcome',
    deliveryId: fenced.delivery.deliveryId,
    attempt: fenced.attempt,
    now: clock.now(),
    fraction: random.fraction(),
    policy: policies[fenced.delivery.channel],
    outcome,
  })

  const notSent = (fenced: Fenced, code: string, reason: string): Command =>
    record(fenced, { is: 'retry', code, reason })

  /** Somebody may have opted out, or given the attempt up, since we looked. */
  const isLate = (fenced: Fenced, found: Found): boolean => {
    const now = clock.monotonic()
    return now - found.readAtMs > tailAgeMaxMs || now - fenced.fencedAtMs > fenceAgeMaxMs
  }

  /** The address to send to now, or what to record instead. */
  const recheck = async (fenced: Fenced): Promise<Found | Command> => {
    const { notification, personal, delivery, attempt } = fenced
    for (;;) {
      const destination = await destinations(notification, personal, delivery, tailFreshMs)
      if ('refused' in destination) {
        const { deliveryId } = delivery
        return { do: 'suppress', deliveryId, attempt, ...destination.refused }
      }
      if (destination.text !== fenced.text) {
        return notSent(fenced, 'address-changed', 'The address changed after the fence.')
      }
      const now = clock.monotonic()
      if (now - fenced.fencedAtMs > fenceAgeMaxMs) {
        return notSent(fenced, 'fence-too-old', 'The fence took too long to be written.')
      }
      if (now - destination.readAtMs <= tailAgeMaxMs) return destination
    }
  }

  /** What the provider said of the person or the endpoint stands before the outcome does. */
  const conclude = async (fenced: Fenced, found: Found, outcome: Outcome): Promise<void> => {
    const { notificationId, notification, delivery, attempt, text: address } = fenced
    if (outcome.is !== 'endpoint-invalid' && outcome.is !== 'opted-out') return
    const said = outcome.evidence ?? {}
    const about = {
      notificationId,
      notification,
      delivery,
      attempt,
      address,
      code: outcome.code,
      said,
    }
    if (outcome.is === 'opted-out') return consequences.refusedByPerson(about, 'opted-out')
    // APNs says since when a token is dead: one registered later lives. Not told, it is no evidence.
    if (codesWithTime.has(outcome.code) && said.timestamp === undefined) return
    const deadSince = typeof said.timestamp === 'string' ? Date.parse(said.timestamp) : Infinity
    if ((found.registeredAt ?? 0) > deadSince) return
    if (!removals.mayRemove(delivery.credential)) return
    await consequences.endpointInvalid(about)
  }

  return async (fenced) => {
    const { notificationId, notification, delivery, attempt, content } = fenced
    const found = await recheck(fenced).catch((error: unknown) => {
      if (!(error instanceof Unavailable)) throw error
      // Nothing has left. Unsaid, the attempt would come to be called ambiguous.
      return notSent(fenced, 'log-unavailable', 'The log did not answer before the first byte.')
    })
    if ('do' in found) return found
    const about = { notificationId, notification, delivery, attempt }
    const message = messages.compose({ ...about, to: found.to, content })
    const restMs = policies[delivery.channel].deadlineMs - (clock.monotonic() - fenced.fencedAtMs)
    const deadline = deadlineIn(restMs)
    const channel = channels.get(delivery.provider)!
    let left = false
    let withheld = false
    const outcome = await channel.send(message, {
      deliveryId: delivery.deliveryId,
      number: attempt,
      signal: deadline.signal,
      sendableAt: notification.sendAt ?? notification.requestedAt,
      onFirstByte: () => {
        withheld = isLate(fenced, found)
        if (withheld) throw new Error('It took too long to get a connection.')
        left = true
      },
      onWritten,
    })
    deadline.end()
    // What we kept back ourselves says nothing of the provider.
    if (!withheld) {
      fenced.permit.report(outcome)
      removals.noteAttempt(delivery.credential, outcome.is === 'endpoint-invalid')
    }
    if (left && isAnswered(outcome)) crashPoints.reach('answered-no-outcome')
    await conclude(fenced, found, outcome)
    return record(fenced, outcome)
  }
}
