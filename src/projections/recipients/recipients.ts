import { evolveRecipient, type Recipient } from '#domain/recipient/recipient.ts'
import type { Projection } from '../projection.ts'

export type RecipientDocument = { readonly recipient: Recipient }

/** Recipients as their streams tell them; deciders read the stream's tail after the document. */
export const recipientsProjection: Projection<RecipientDocument> = {
  name: 'recipients',
  version: 1,
  indexes: [{ name: 'by_user', fields: ['recipient.app', 'recipient.userId'] }],
  fromFirst: true,
  idOf: (event) =>
    event.stream.startsWith('recipient-') ? event.stream.slice('recipient-'.length) : undefined,
  evolve(body, event) {
    const recipient = evolveRecipient(body?.recipient, event)
    return recipient && { recipient }
  },
}
