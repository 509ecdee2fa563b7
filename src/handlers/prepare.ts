import type { Command } from '#domain/notification/commands.ts'
import type { Action } from '#domain/notification/next.ts'
import type { Policies } from '#domain/notification/policy.ts'
import type { Delivery, Notification } from '#domain/notification/state.ts'
import type { RenderedContent } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import type { Random } from '#ports/random.ts'
import type { createDestinations } from './endpoints.ts'
import { contentHashOf, type Messages } from './messages.ts'
import { type Loaded, personalOf } from './notifications.ts'

/** What time alone has decided: no attempt is made for it. */
export const bookkeeping = (
  state: Notification,
  action: Action,
  needs: { readonly clock: Clock; readonly random: Random; readonly policies: Policies },
): readonly Command[] => {
  const { clock, random, policies } = needs
  switch (action.do) {
    case 'resolve': {
      const { channel } = state.deliveries.find((each) => each.deliveryId === action.deliveryId)!
      const policy = policies[channel]
      return [{ ...action, now: clock.now(), fraction: random.fraction(), policy }]
    }
    case 'unconfirm':
      return [action]
    case 'expire':
      return [{ do: 'expire', deliveries: [action.deliveryId!], reason: 'expires-at' }]
    case 'park':
      return [{ do: 'park', deliveries: [action.deliveryId!], reason: 'given-up' }]
    default:
      return []
  }
}

/** An attempt that is ready: what to write as its fence, and what to send unless it is over already. */
export interface Prepared {
  readonly delivery: Delivery
  readonly attempt: number
  readonly commands: readonly Command[]
  readonly sendable?: { readonly content: RenderedContent; readonly text: string }
}

/** What the router has just read will do for the fence: before the first byte it is looked at again. */
const knownMaxMs = 500

/** Everything an attempt needs before its fence; what cannot be sent is told together with the fence. */
export const createPrepare =
  (needs: {
    readonly destinations: ReturnType<typeof createDestinations>
    readonly messages: Messages
    readonly policies: Policies
    readonly clock: Clock
  }) =>
  async (loaded: Loaded, state: Notification, delivery: Delivery): Promise<Prepared> => {
    const { destinations, messages, clock } = needs
    const personal = personalOf(loaded)
    const { deliveryId } = delivery
    const attempt = (delivery.attempts.at(-1)?.number ?? 0) + 1
    const destination = await destinations(state, personal, delivery, knownMaxMs)
    const rendered = await messages.render(state, personal, delivery)
    const policy = needs.policies[delivery.channel]
    const fence = (to: string): Command => ({
      do: 'dispatch',
      deliveryId,
      deadline: clock.now() + policy.deadlineMs,
      contentHash: rendered.ok ? contentHashOf(rendered.content) : '',
      to,
    })
    if ('refused' in destination) {
      const refused: Command = { do: 'suppress', deliveryId, attempt, ...destination.refused }
      return { delivery, attempt, commands: [fence(''), refused] }
    }
    const { text } = destination
    if (rendered.ok) {
      return {
        delivery,
        attempt,
        commands: [fence(text)],
        sendable: { content: rendered.content, text },
      }
    }
    const outcome = { is: 'permanent', code: rendered.code, reason: rendered.message } as const
    const about = { deliveryId, attempt, now: clock.now(), fraction: 0, policy }
    return {
      delivery,
      attempt,
      commands: [fence(text), { do: 'record-outcome', ...about, outcome }],
    }
  }
