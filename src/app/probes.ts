import type { ReadModels } from '#handlers/read-models.ts'
import type { Clock } from '#ports/clock.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import { Unavailable } from '#ports/errors.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { WorkQueue } from '#ports/work-queue.ts'
import { appsProjection } from '#projections/apps/apps.ts'
import type { Projection } from '#projections/projection.ts'

/** A store that does not answer, and whether requests can be taken without it. */
export interface Silence {
  readonly code: string
  readonly message: string
  /** Nothing can be accepted or answered meanwhile: keys are checked against the log. */
  readonly halts: boolean
}

const answerMaxMs = 2_000
/** Whoever balances the load may ask often: the stores are asked once for all of them. */
const believedMs = 1_000

const probe = async (
  ask: () => Promise<unknown>,
  about: { readonly code: string; readonly name: string; readonly halts: boolean },
  clock: Clock,
): Promise<Silence | undefined> => {
  const { code, name, halts } = about
  const enough = new AbortController()
  const late = clock.sleep(answerMaxMs, enough.signal).then(() => {
    throw new Unavailable(code, `${name} did not answer within ${answerMaxMs / 1_000} s.`)
  })
  try {
    await Promise.race([ask(), late])
    return undefined
  } catch (error) {
    if (error instanceof Unavailable) return { code: error.code, message: error.message, halts }
    throw error
  } finally {
    enough.abort()
  }
}

/** Asks log, queue and read models a small question each. */
export const createProbes = (needs: {
  readonly events: EventStore
  readonly documents: DocumentStore
  readonly readModels: ReadModels
  readonly queue: WorkQueue
  readonly clock: Clock
}): (() => Promise<readonly Silence[]>) => {
  const { events, documents, readModels, queue, clock } = needs
  const readDocuments = async () =>
    documents.load(await readModels.active(appsProjection as unknown as Projection), ['nobody'])
  const ask = async (): Promise<readonly Silence[]> => {
    const answers = await Promise.all([
      probe(() => events.head(), { code: 'log/no-answer', name: 'The log', halts: true }, clock),
      probe(
        () => queue.depths(),
        { code: 'queue/no-answer', name: 'The queue', halts: false },
        clock,
      ),
      probe(
        readDocuments,
        { code: 'documents/no-answer', name: 'The store of the read models', halts: false },
        clock,
      ),
    ])
    return answers.filter((each) => each !== undefined)
  }

  let last: { readonly atMs: number; readonly answer: Promise<readonly Silence[]> } | undefined
  return () => {
    if (!last || clock.monotonic() - last.atMs >= believedMs) {
      last = { atMs: clock.monotonic(), answer: ask() }
    }
    return last.answer
  }
}
