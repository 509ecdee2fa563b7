import { setTimeout as sleep } from 'node:timers/promises'
import { createCheckpoints } from '#handlers/checkpoints.ts'
import { checkpointName } from '#handlers/progress.ts'
import { createReadModels, type ReadModels } from '#handlers/read-models.ts'
import { Unavailable } from '#ports/errors.ts'
import type { Log } from '#ports/log.ts'
import { allProjections } from '#projections/all.ts'
import { openToLook, type ReadOnly } from '#src/cli/audit/read-only.ts'
import { parseConfig } from '#src/config.ts'
import type { Settings } from '../../deploy/cluster/pabal.ts'
import { createLogReading, type LogReading } from '../judging/log-reading.ts'

/** Log and read models of the cluster, read beside the service and never through it. */
export interface Look extends AsyncDisposable {
  readonly stores: ReadOnly
  readonly log: LogReading
  readonly readModels: ReadModels
  /** Whether every read model holds the whole log. */
  isCaughtUp(): Promise<boolean>
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
const againAfterMs = 500

/** The stores are closed with it. */
export const lookAt = (stores: ReadOnly): Look => {
  const readModels = createReadModels(stores)
  const checkpoints = createCheckpoints({ ...stores, log: silent })
  return {
    stores,
    log: createLogReading(stores.events),
    readModels,
    async isCaughtUp() {
      const head = await stores.events.head()
      if (head === undefined) return true
      const names = await Promise.all(
        allProjections.map(async (projection) =>
          checkpointName(projection, (await readModels.generations(projection)).active),
        ),
      )
      const places = await checkpoints.peek(names)
      return names.every((name) => {
        const place = places.get(name)
        return place && stores.events.comparePositions(place.position, head) >= 0
      })
    },
    [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose](),
  }
}

export const openLook = async (settings: Settings): Promise<Look> =>
  lookAt(await openToLook(parseConfig(settings)))

/** Asks again while a server is away; after `maxMs` its error is thrown. */
export const persist = async <T>(maxMs: number, ask: () => Promise<T>): Promise<T> => {
  const until = performance.now() + maxMs
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof Unavailable) || performance.now() > until) throw error
      await sleep(againAfterMs)
    }
  }
}

/** Asks until it is so; answers whether it came to that within `maxMs`. */
export const eventually = async (maxMs: number, isSo: () => Promise<boolean>): Promise<boolean> => {
  const until = performance.now() + maxMs
  for (;;) {
    if (await persist(maxMs, isSo)) return true
    if (performance.now() > until) return false
    await sleep(againAfterMs)
  }
}
