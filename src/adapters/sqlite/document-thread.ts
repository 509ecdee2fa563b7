import type { CollectionDeclaration } from '#ports/document-store.ts'
import { startAnsweringThread } from './answering-thread.ts'
import type { AnsweringFile } from './document-file.ts'
import type { Mode } from './open-database.ts'

/** Room for some thousand documents on their way; the file itself lies outside of it. */
const oldGenerationMaxMb = 128

/** The file of the documents in a thread of its own. One that dies is replaced at the next call. */
export const openDocumentThread = async (path: string, mode: Mode): Promise<AnsweringFile> => {
  const thread = startAnsweringThread({
    name: 'pabal-documents',
    module: new URL('document-worker.ts', import.meta.url),
    workerData: { path, mode },
    oldGenerationMaxMb,
  })
  let declared = new Map<CollectionDeclaration, number>()
  let declaredTo = 0

  /** A declaration crosses once; after that its number does. */
  const numberOf = (collection: CollectionDeclaration): number => {
    if (declaredTo !== thread.incarnation) {
      declared = new Map()
      declaredTo = thread.incarnation
    }
    const known = declared.get(collection)
    if (known !== undefined) return known
    const { name, version, indexes, expires } = collection
    const number = declared.size
    declared.set(collection, number)
    const declaration = { name, version, indexes, ...(expires && { expires }) }
    void thread.ask('declare', number, declaration).catch(() => {})
    return number
  }

  // Opened before anybody is told that it is.
  await thread.open()
  return {
    load: (collection, ids) => thread.ask('load', numberOf(collection), ids),
    write: (collection, ...more) => thread.ask('write', numberOf(collection), ...more),
    find: (collection, ...more) => thread.ask('find', numberOf(collection), ...more),
    scan: (collection, ...more) => thread.ask('scan', numberOf(collection), ...more),
    sweep: (collection, ...more) => thread.ask('sweep', numberOf(collection), ...more),
    drop: (collection) => thread.ask('drop', numberOf(collection)),
    async close() {
      await thread.ask('close')
      await thread.end()
    },
  }
}
