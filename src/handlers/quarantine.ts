import { type CallbackEvent, quarantineMs } from '#domain/callback/callback.ts'
import type { Receipt } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import type { CollectionDeclaration, DocumentStore, StoredDocument } from '#ports/document-store.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'
import type { CallbackDocument } from '#projections/callbacks/callbacks.ts'
import { type MessageDocument, messageKey } from '#projections/messages/messages.ts'
import { createFoldedStreams } from './folded-streams.ts'
import type { Receipts } from './receipts.ts'
import type { Recorder } from './recorder.ts'
import { changeStream } from './stream-change.ts'

/** Verified receipts that no attempt was found for: kept in the log, and matched when there is one. */
export interface Quarantine {
  /** `false`: it was kept before. */
  keep(app: string, provider: string, receipt: Receipt, callbackId: string): Promise<boolean>
}

const lookEveryMs = 5_000
const pageMax = 200

export const createQuarantine = (needs: {
  readonly events: EventStore
  readonly recorder: Recorder
  readonly clock: Clock
  readonly signal: AbortSignal
}): Quarantine => {
  const { events, recorder, clock, signal } = needs
  // Grows in place: told again, it stays the same.
  const evolve = (state: Set<string> | undefined, event: RecordedEvent) =>
    (state ?? new Set()).add(`${event.type} ${event.data.callbackId}`)
  const days = createFoldedStreams({ events, evolve, entriesMax: 20, clock })

  return {
    async keep(app, provider, receipt, callbackId) {
      const stream = `callbacks-${app}-${new Date(clock.now()).toISOString().slice(0, 10)}`
      const fact: CallbackEvent = {
        type: 'CallbackQuarantined',
        data: { callbackId, provider, receipt: { ...receipt } },
      }
      const { changed } = await changeStream({
        streams: days,
        stream,
        // The same receipt, told again, adds nothing.
        decide: (state) => (state?.has(`CallbackQuarantined ${callbackId}`) ? [] : [fact]),
        context: { app, actor: `provider:${provider}`, correlationId: callbackId },
        recorder,
        patience: { signal },
        retriesMax: Infinity,
      })
      return changed
    },
  }
}

/** Looks from time to time whether what a quarantined receipt belongs to has come to be known. */
export const createMatcher = (needs: {
  readonly events: EventStore
  readonly documents: DocumentStore
  readonly collections: () => Promise<{
    readonly callbacks: CollectionDeclaration
    readonly messages: CollectionDeclaration
  }>
  readonly receipts: Receipts
  readonly recorder: Recorder
  readonly clock: Clock
  readonly signal: AbortSignal
}) => {
  const { events, documents, receipts, recorder, clock, signal } = needs
  /** Only where each stream ends is asked for. */
  const lengths = createFoldedStreams({
    events,
    evolve: () => true as const,
    entriesMax: 20,
    clock,
  })

  const match = async (callback: CallbackDocument, messages: CollectionDeclaration) => {
    const { provider } = callback.callback
    const receipt = callback.callback.receipt as unknown as Receipt
    if (receipt.providerMessageId === undefined) return false
    const key = messageKey(receipt.providerMessageId)
    const found = (await documents.load(messages, [key])).get(key)?.body
    if (!found) return false
    return receipts.apply(provider, receipt, found as unknown as MessageDocument)
  }

  const close = async (document: StoredDocument, type: 'CallbackMatched' | 'CallbackExpired') => {
    const { stream, app } = document.body as unknown as CallbackDocument
    const fact: CallbackEvent = { type, data: { callbackId: document.id } }
    await changeStream({
      streams: lengths,
      stream,
      decide: () => [fact],
      context: { app, actor: 'system:receipts', correlationId: document.id },
      recorder,
      patience: { signal },
      // Callbacks that come meanwhile are kept in the same stream.
      retriesMax: Infinity,
    })
  }

  // Goes round, so that many that match nothing do not hide the others.
  let after: { readonly value: number; readonly id: string } | undefined

  return async (): Promise<void> => {
    const { callbacks, messages } = await needs.collections()
    const now = clock.now()
    const due = await documents.find(callbacks, {
      where: {},
      range: { field: 'dueAt', to: now },
      order: { field: 'dueAt', direction: 'ascending' },
      ...(after && { after }),
      limit: pageMax,
    })
    const last = due.at(-1)
    const lastDue = (last?.body as CallbackDocument | undefined)?.dueAt
    after =
      last && lastDue !== undefined && due.length === pageMax
        ? { value: lastDue, id: last.id }
        : undefined
    for (const document of due) {
      const callback = document.body as unknown as CallbackDocument
      if (await match(callback, messages)) await close(document, 'CallbackMatched')
      else if (now > callback.callback.receivedAt + quarantineMs)
        await close(document, 'CallbackExpired')
    }
  }
}

export const matchEveryMs = lookEveryMs
