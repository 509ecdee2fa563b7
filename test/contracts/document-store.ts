import { describe } from 'vitest'
import type { Clock } from '#ports/clock.ts'
import type { DisposableDocumentStore } from '#ports/document-store.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { expiringContract } from './document-store-expiring.ts'
import { findingContract } from './document-store-finding.ts'
import { refusalContract } from './document-store-refusals.ts'
import { sweepingContract } from './document-store-sweeping.ts'
import { writingContract } from './document-store-writing.ts'

export type OpenDocumentStore = () => Promise<DisposableDocumentStore>
export type OpenDocumentStoreAt = (clock: Clock) => Promise<DisposableDocumentStore>

/** What every document store does. `openAt` may give the same database each time; what expires, it does by the clock. */
export const documentStoreContract = (adapter: string, openAt: OpenDocumentStoreAt): void => {
  const open = () => openAt(createFakeClock())
  describe(`document store: ${adapter}`, () => {
    writingContract(open)
    findingContract(open)
    expiringContract(openAt)
    sweepingContract(openAt)
    refusalContract(open)
  })
}
