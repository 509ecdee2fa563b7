import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { documentStoreContract } from '../../contracts/document-store.ts'

documentStoreContract('memory', async (clock) => createMemoryDocumentStore(clock))
