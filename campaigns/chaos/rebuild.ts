import { createHash } from 'node:crypto'
import { canonicalJson } from '#domain/canonical-json.ts'
import { hasExpired } from '#ports/document-query.ts'
import type { CollectionDeclaration, DocumentStore } from '#ports/document-store.ts'
import { allProjections } from '#projections/all.ts'
import type { Projection } from '#projections/projection.ts'
import { giveOrder } from '#src/cli/orders.ts'
import type { Settings } from '../../deploy/cluster/pabal.ts'
import { eventually, type Look } from './look.ts'

/** Of each document its version and a hash of what it says, by id. */
export type Fingerprints = ReadonlyMap<string, string>

const pageMax = 1_000
const shownMax = 20
/** More than reading a read model takes. */
const lookMaxMs = 3_600_000

/** `until`: what has expired by then is left out, as it may be gone at the next look. */
export const fingerprintsOf = async (
  documents: Pick<DocumentStore, 'scan'>,
  collection: CollectionDeclaration,
  until: number,
): Promise<Fingerprints> => {
  const found = new Map<string, string>()
  for (let after: string | undefined; ; ) {
    const page = await documents.scan(collection, {
      limit: pageMax,
      ...(after !== undefined && { after }),
    })
    for (const { id, version, body } of page) {
      if (hasExpired(collection, body, until)) continue
      const hash = createHash('sha256').update(canonicalJson(body)).digest('base64url')
      found.set(id, `${version} ${hash}`)
    }
    after = page.at(-1)?.id
    if (page.length < pageMax) return found
  }
}

/** What a rebuilt read model says otherwise than the one that was kept all the time. */
export const differencesOf = (
  name: string,
  live: Fingerprints,
  rebuilt: Fingerprints,
): readonly string[] => {
  const ids = new Set([...live.keys(), ...rebuilt.keys()])
  return [...ids].flatMap((id) => {
    const [was, is] = [live.get(id), rebuilt.get(id)]
    if (was === is) return []
    if (is === undefined) return `${name} ${id}: only before the rebuild`
    return was === undefined
      ? `${name} ${id}: only after the rebuild`
      : `${name} ${id}: version ${was.split(' ')[0]} before, ${is.split(' ')[0]} after the rebuild`
  })
}

/**
 * Has every read model built anew by the running cluster, and compares it document by document with the
 * one that was there. Nothing may be written to the log meanwhile. `maxMs`: for each of them.
 */
export const rebuildAndCompare = async (
  look: Look,
  settings: Settings,
  maxMs: number,
): Promise<readonly string[]> => {
  const compare = async (projection: Projection): Promise<readonly string[]> => {
    const { name } = projection
    const { documents, clock } = look.stores
    // Later than both looks: each shows all that is compared.
    const until = clock.now() + maxMs + lookMaxMs
    const before = await look.readModels.generations(projection)
    const read = async () =>
      fingerprintsOf(documents, await look.readModels.active(projection), until)
    const live = await read()
    await giveOrder(settings, 'projections.rebuild', { name })
    const switched = await eventually(maxMs, async () => {
      const { active } = await look.readModels.generations(projection)
      return active !== before.active
    })
    if (!switched) return [`${name} was not rebuilt within ${maxMs / 1_000} s.`]
    const rebuilt = await read()
    return differencesOf(name, live, rebuilt).slice(0, shownMax)
  }
  const found: string[] = []
  for (const projection of allProjections) found.push(...(await compare(projection)))
  return found
}
