import { openMongoDocumentStore } from '#adapters/mongodb/mongo-document-store.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { createSystemRandom } from '#adapters/system/system-random.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'

export const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

export const clock = createSystemClock()

/** A store as the service opens it. */
export const openStore = (
  url: string,
  more: { readonly timeoutMs?: number; readonly clock?: Clock } = {},
) => openMongoDocumentStore({ url, clock, random: createSystemRandom(), log: silent, ...more })
