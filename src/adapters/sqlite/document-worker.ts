import { workerData } from 'node:worker_threads'
import type { CollectionDeclaration } from '#ports/document-store.ts'
import { answerCalls } from './answer-calls.ts'
import { type DocumentFile, openDocumentFile } from './document-file.ts'

const { path, mode } = workerData
const collections = new Map<unknown, CollectionDeclaration>()
let file: DocumentFile | undefined

// The first argument names the collection.
answerCalls((call, [number, ...rest]) => {
  file ??= openDocumentFile(path, mode)
  if (call === 'open') return undefined
  if (call === 'close') return file.close()
  if (call === 'declare') {
    collections.set(number, rest[0] as CollectionDeclaration)
    return undefined
  }
  const run = file[call as keyof DocumentFile] as (...args: readonly unknown[]) => unknown
  return run(collections.get(number), ...rest)
})
