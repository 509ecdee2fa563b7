import { type Address, evolveAddress } from '#domain/address/address.ts'
import { type AppState, evolveApp } from '#domain/app/app.ts'
import { addressIdOf, recipientIdOf, templateIdOf } from '#domain/identity.ts'
import { comparable } from '#domain/notification/endpoint.ts'
import { evolveRecipient, type Recipient } from '#domain/recipient/recipient.ts'
import { evolveTemplate, type Template } from '#domain/template/template.ts'
import type { Clock } from '#ports/clock.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'
import type { KeyHash } from '#ports/key-hash.ts'
import { createFoldedStreams, type FoldedStreams } from './folded-streams.ts'
import { remembered } from './remembered.ts'

/** What decisions about notifications look up. */
export interface Aggregates {
  readonly apps: FoldedStreams<AppState>
  readonly templates: FoldedStreams<Template>
  readonly recipients: FoldedStreams<Recipient>
  readonly addresses: FoldedStreams<Address>
  streamOf: {
    app(app: string): string
    template(app: string, name: string): string
    recipient(app: string, userId: string): string
    /** The address itself never names a stream, only its keyed hash. */
    address(app: string, address: string): string
  }
}

/** Of streams, kept at most. */
const namesMax = 10_000

export const createAggregates = (needs: {
  readonly events: EventStore
  readonly keyHash: KeyHash
  readonly clock: Pick<Clock, 'monotonic'>
}): Aggregates => {
  const { keyHash } = needs
  const folded = <S>(
    evolve: (state: S | undefined, event: RecordedEvent) => S | undefined,
    entriesMax: number,
  ) => createFoldedStreams({ ...needs, evolve, entriesMax })
  return {
    apps: folded(evolveApp, 1_000),
    templates: folded(evolveTemplate, 1_000),
    recipients: folded(evolveRecipient, 20_000),
    addresses: folded(evolveAddress, 5_000),
    streamOf: {
      app: (app) => `app-${app}`,
      template: remembered(namesMax, (app, name) => `template-${templateIdOf(app, name)}`),
      recipient: remembered(namesMax, (app, userId) => `recipient-${recipientIdOf(app, userId)}`),
      address: remembered(
        namesMax,
        (app, address) =>
          `address-${addressIdOf(app, keyHash.digest('address', comparable(address)))}`,
      ),
    },
  }
}
