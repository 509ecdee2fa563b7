import type { Clock } from '#ports/clock.ts'
import type { CollectionDeclaration, DocumentStore } from '#ports/document-store.ts'

/** Nothing that has expired is shown: sweeping it later only takes room. */
const sweepEveryMs = 60_000
const pageMax = 500
/** Others want to go on between two pages. */
const betweenPagesMs = 50

interface SweepNeeds {
  readonly documents: Pick<DocumentStore, 'sweep'>
  readonly collections: () => Promise<readonly CollectionDeclaration[]>
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Removes all that has expired, page by page, until it is gone or `signal` fires. */
export const sweepOnce = async (needs: SweepNeeds): Promise<void> => {
  const { documents, collections, clock, signal } = needs
  for (const collection of await collections()) {
    while (!signal.aborted) {
      const swept = await documents.sweep(collection, pageMax)
      if (swept < pageMax) break
      await clock.sleep(betweenPagesMs, signal)
    }
  }
}

/** Sweeps once a minute until `signal` fires. Throws what the store throws. */
export const runSweep = async (needs: SweepNeeds): Promise<void> => {
  const { clock, signal } = needs
  while (!signal.aborted) {
    await clock.sleep(sweepEveryMs, signal)
    if (!signal.aborted) await sweepOnce(needs)
  }
}
