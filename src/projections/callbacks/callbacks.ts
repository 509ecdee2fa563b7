import type { Projection } from '../projection.ts'

/** A verified receipt that no attempt was found for yet. */
export type CallbackDocument = {
  readonly stream: string
  readonly app: string
  readonly receipt: Readonly<Record<string, unknown>>
  readonly receivedAt: number
  readonly matched: boolean
  /** When to look for its attempt next; absent when there is no more reason to. */
  readonly dueAt?: number
}

/** Receipts may come long before what they belong to is known, but not for ever. */
export const quarantineMs = 3 * 24 * 3_600_000
const firstLookMs = 5_000

export const callbacksProjection: Projection<CallbackDocument> = {
  name: 'callbacks',
  version: 1,
  indexes: [{ name: 'due', fields: ['dueAt'], partial: true }],
  idOf: (event) =>
    event.stream.startsWith('callbacks-') ? String(event.data.callbackId) : undefined,
  evolve(body, event) {
    const at = Date.parse(event.metadata.at)
    if (event.type === 'CallbackQuarantined') {
      const receipt = event.data.receipt as Readonly<Record<string, unknown>>
      const { app } = event.metadata
      const dueAt = at + firstLookMs
      return body ?? { stream: event.stream, app, receipt, receivedAt: at, matched: false, dueAt }
    }
    if (!body) return undefined
    const { dueAt: _dueAt, ...rest } = body
    return { ...rest, matched: event.type === 'CallbackMatched' }
  },
}
