import { type AddressCommand, decideAddress } from '#domain/address/address.ts'
import {
  decideRecipient,
  type Recipient,
  type RecipientCommand,
} from '#domain/recipient/recipient.ts'
import type { Aggregates } from './aggregates.ts'
import type { Patience, Recorder } from './recorder.ts'
import { changeStream, type StreamChange } from './stream-change.ts'

/** What producers and people say of themselves; each answer holds for every byte sent after it. */
export interface Recipients {
  change(
    app: string,
    userId: string,
    command: RecipientCommand,
    actor: string,
  ): Promise<StreamChange>
  load(app: string, userId: string): Promise<Recipient | undefined>
  /** Suppresses or releases an address of the app, whoever has it. */
  changeAddress(
    app: string,
    address: string,
    command: AddressCommand,
    actor: string,
  ): Promise<StreamChange>
}

export const createRecipients = (needs: {
  readonly aggregates: Aggregates
  readonly recorder: Recorder
  readonly patience: Patience
}): Recipients => {
  const { aggregates, recorder, patience } = needs
  const { streamOf } = aggregates
  return {
    change(app, userId, command, actor) {
      const stream = streamOf.recipient(app, userId)
      return changeStream({
        streams: aggregates.recipients,
        stream,
        decide: (state) => decideRecipient(state, command),
        context: { app, actor, correlationId: stream.slice('recipient-'.length) },
        recorder,
        patience,
      })
    },
    async load(app, userId) {
      return (await aggregates.recipients.load(streamOf.recipient(app, userId))).state
    },
    changeAddress(app, address, command, actor) {
      const stream = streamOf.address(app, address)
      return changeStream({
        streams: aggregates.addresses,
        stream,
        decide: (state) => decideAddress(state, command),
        context: { app, actor, correlationId: stream.slice('address-'.length) },
        recorder,
        patience,
      })
    },
  }
}
