import { openSqliteDocumentStore } from '#adapters/sqlite/sqlite-document-store.ts'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { pathsOf } from '../../app/embedded.ts'

/** Log and read models to look at, beside a running service or without one. Nothing can be written. */
export const openReadOnly = async (dataDir: string) => {
  await using opening = new AsyncDisposableStack()
  const paths = pathsOf(dataDir)
  const clock = createSystemClock()
  const events = opening.use(
    await openSqliteEventStore({ path: paths.events, mode: 'read-only', clock }),
  )
  const documents = opening.use(
    await openSqliteDocumentStore({ path: paths.documents, mode: 'read-only' }),
  )
  const opened = opening.move()
  return { events, documents, clock, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

export type ReadOnly = Awaited<ReturnType<typeof openReadOnly>>
