import { decideAddress, type SuppressionCause } from '#domain/address/address.ts'
import type { Delivery, Notification } from '#domain/notification/state.ts'
import { decideRecipient } from '#domain/recipient/recipient.ts'
import type { Log } from '#ports/log.ts'
import type { Aggregates } from './aggregates.ts'
import type { Context, Recorder } from './recorder.ts'
import { changeStream } from './stream-change.ts'

/** What a delivery's fate means for the endpoint it went to. */
export interface Consequences {
  /** A device of a user is removed, any other address suppressed; with the evidence, once. */
  endpointInvalid(about: Evidence): Promise<void>
  /** The person said no through the provider (STOP, unsubscribe, complaint). */
  refusedByPerson(about: Evidence, cause: 'opted-out' | 'complaint'): Promise<void>
}

export interface Evidence {
  readonly notificationId: string
  readonly notification: Notification
  readonly delivery: Delivery
  readonly attempt: number
  /** The address the attempt went to. */
  readonly address: string
  readonly code: string
  readonly said: Readonly<Record<string, string | number>>
}

export const createConsequences = (needs: {
  readonly aggregates: Aggregates
  readonly recorder: Recorder
  readonly log: Log
  readonly signal: AbortSignal
}): Consequences => {
  const { aggregates, recorder, log, signal } = needs
  const { streamOf } = aggregates

  const contextOf = (about: Evidence): Context => ({
    app: about.notification.app,
    actor: `provider:${about.delivery.provider}`,
    correlationId: about.notificationId,
  })

  const evidenceOf = (about: Evidence) => ({
    notificationId: about.notificationId,
    deliveryId: about.delivery.deliveryId,
    attempt: about.attempt,
    provider: about.delivery.provider,
    code: about.code,
    ...about.said,
  })

  const suppress = async (about: Evidence, cause: SuppressionCause): Promise<void> => {
    const { app } = about.notification
    const { channel } = about.delivery
    const evidence = evidenceOf(about)
    const order = { do: 'suppress', app, channel, cause, evidence } as const
    await changeStream({
      streams: aggregates.addresses,
      stream: streamOf.address(app, about.address),
      decide: (state) => decideAddress(state, order),
      context: contextOf(about),
      recorder,
      patience: { signal },
      retriesMax: Infinity,
    })
  }

  return {
    async endpointInvalid(about) {
      const { notification, delivery } = about
      const { recipient } = notification
      const { deviceId } = delivery.endpoint
      if (recipient.kind !== 'user' || deviceId === undefined) {
        return suppress(about, 'endpoint-invalid')
      }
      const stream = streamOf.recipient(notification.app, recipient.userId)
      const order = {
        do: 'remove-device',
        deviceId,
        reason: 'endpoint-invalid',
        ifToken: about.address,
        evidence: evidenceOf(about),
      } as const
      const { changed } = await changeStream({
        streams: aggregates.recipients,
        stream,
        decide: (state) => (state ? decideRecipient(state, order) : []),
        context: contextOf(about),
        recorder,
        patience: { signal },
        retriesMax: Infinity,
      })
      if (changed) {
        log.info('A dead device was removed.', { stream, code: about.code, attempt: about.attempt })
      }
    },
    refusedByPerson: (about, cause) => suppress(about, cause),
  }
}
