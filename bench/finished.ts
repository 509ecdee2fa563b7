import { randomUUID } from 'node:crypto'
import { notificationIdOf, sha256 } from '#domain/identity.ts'
import type { Command } from '#domain/notification/commands.ts'
import { decide } from '#domain/notification/decide.ts'
import { evolve } from '#domain/notification/evolve.ts'
import { defaultPolicies } from '#domain/notification/policy.ts'
import type { State } from '#domain/notification/state.ts'
import type { Json, NewEvent } from '#ports/event-store.ts'
import { dataOf, recipientOf, templateName, tokenOf, userIdOf } from './workload.ts'

/** What each of them has: requested, routed, dispatched, delivered. */
export const eventsEach = 4

const app = 'default'

interface Step {
  readonly actor: string
  readonly command: Command
}

const stepsOf = (number: number, recipients: number, now: number): readonly Step[] => {
  const recipient = recipientOf(number, recipients)
  const token = tokenOf(recipient)
  const eventId = `preload-${number}`
  return [
    {
      actor: 'key:default.bench000',
      command: {
        do: 'request',
        data: {
          app,
          eventId,
          fingerprint: sha256(eventId),
          fingerprintVersion: 1,
          recipient: { kind: 'user', userId: userIdOf(recipient) },
          category: 'transactional',
          purpose: 'transactional',
          priority: 'normal',
          template: { name: templateName, version: 1 },
        },
        personal: { data: dataOf(number) },
      },
    },
    {
      actor: 'system:router',
      command: {
        do: 'route',
        deliveries: [
          {
            deliveryId: 'd1',
            channel: 'push',
            provider: 'apns',
            credential: 'apns',
            endpoint: {
              kind: 'device',
              deviceId: 'phone',
              platform: 'ios',
              masked: `${token.slice(0, 4)}…`,
            },
          },
        ],
        passedOver: [],
        locale: 'en',
      },
    },
    {
      actor: 'system:channels',
      command: {
        do: 'dispatch',
        deliveryId: 'd1',
        deadline: now + defaultPolicies.push.deadlineMs,
        contentHash: sha256(token),
        to: token,
      },
    },
    {
      actor: 'system:channels',
      command: {
        do: 'record-outcome',
        deliveryId: 'd1',
        attempt: 1,
        now,
        fraction: 0.5,
        policy: defaultPolicies.push,
        outcome: { is: 'delivered', providerMessageId: randomUUID() },
      },
    },
  ]
}

/** A notification as the service would have left it: the domain itself decides its events. */
export const finishedNotification = (
  number: number,
  recipients: number,
  now: number,
): { readonly stream: string; readonly events: readonly NewEvent[] } => {
  const id = notificationIdOf(app, `preload-${number}`)
  const stream = `notification-${id}`
  const at = new Date(now).toISOString()
  const events: NewEvent[] = []
  let state: State
  for (const { actor, command } of stepsOf(number, recipients, now)) {
    for (const fact of decide(state, command)) {
      const causationId = events.at(-1)?.id
      const personal = fact.personal as Json | undefined
      const event: NewEvent = {
        id: randomUUID(),
        type: fact.type,
        schemaVersion: 1,
        data: fact.data as unknown as Json,
        metadata: { at, app, actor, correlationId: id, ...(causationId && { causationId }) },
        ...(personal && { personal }),
      }
      state = evolve(state, { ...event, revision: events.length })
      events.push(event)
    }
  }
  return { stream, events }
}
