import { describe } from 'vitest'
import type { DisposableDocumentStore } from '#ports/document-store.ts'
import { findingContract } from './document-store-finding.ts'
import { refusalContract } from './document-store-refusals.ts'
import { writingContract } from './document-store-writing.ts'

export type OpenDocumentStore = () => Promise<DisposableDocumentStore>

/** What every document store does. `open` may give the same database each time. */
export const documentStoreContract = (adapter: string, open: OpenDocumentStore): void => {
  describe(`document store: ${adapter}`, () => {
    writingContract(open)
    findingContract(open)
    refusalContract(open)
  })
}
