import { type Callback, evolveCallback, receiptsServedMs } from '#domain/callback/callback.ts'
import type { Projection } from '../projection.ts'

/** A verified receipt that no attempt was found for yet. */
export type CallbackDocument = {
  readonly stream: string
  readonly app: string
  readonly callback: Callback
  /** When to look for its attempt first; absent when there is no more reason to. */
  readonly dueAt?: number
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

const firstLookMs = 5_000

export const callbacksProjection: Projection<CallbackDocument> = {
  name: 'callbacks',
  version: 2,
  indexes: [{ name: 'due', fields: ['dueAt'], partial: true }],
  expires: { field: 'expiresAt' },
  idOf: (event) =>
    event.stream.startsWith('callbacks-') ? String(event.data.callbackId) : undefined,
  evolve(body, event) {
    const callback = evolveCallback(body?.callback, event)
    if (!callback) return undefined
    const expiresAt = callback.receivedAt + receiptsServedMs
    const known = { stream: event.stream, app: event.metadata.app, callback, expiresAt }
    const waits = callback.status === 'waiting'
    return { ...known, ...(waits && { dueAt: callback.receivedAt + firstLookMs }) }
  },
}
