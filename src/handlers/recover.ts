import {
  evolveRecovery,
  type Point,
  type Recovery,
  recoveryStream,
} from '#domain/recovery/recovery.ts'
import type { Clock } from '#ports/clock.ts'
import type { CollectionDeclaration, DocumentStore } from '#ports/document-store.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import type { Projection } from '#projections/projection.ts'
import { groupById } from './gathering.ts'
import { projectGroups } from './project.ts'

/** What of the log a recovered read model has not been given yet: all after `position`, up to `until`. */
export interface History {
  readonly position?: string
  readonly until: string
}

/** One read model that lost its place, on its way back. */
export interface Recovered {
  readonly projection: Projection
  readonly collection: CollectionDeclaration
  /** Of its checkpoint. */
  readonly name: string
}

export interface Recoveries {
  /**
   * Brings back what the last mark lists, and answers from where on the log has to be folded; `undefined`:
   * from its beginning. What comes before is left to `followHistory`, and that it is missing is written
   * down first.
   */
  begin(recovered: Recovered): Promise<Point | undefined>
  /** `undefined`: nothing is missing. */
  history(name: string): Promise<History | undefined>
  /** Folds what is missing, page by page, beside the events that come; ends when there is no more. */
  followHistory(
    recovered: Recovered,
    signal: AbortSignal,
    onPage: (history: History | undefined) => void,
  ): Promise<void>
  forget(name: string): Promise<void>
}

const histories: CollectionDeclaration = { name: 'histories', version: 1, indexes: [] }
const pageMax = 4_000
const readAtOnce = 100

/** The marks of a log; `undefined` when none was made yet. */
export const readRecovery = async (events: EventStore, stream: string = recoveryStream) => {
  let state: Recovery | undefined
  for (const event of await events.read(stream)) state = evolveRecovery(state, event)
  return state
}

export const createRecoveries = (needs: {
  readonly events: EventStore
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly log: Log
}): Recoveries => {
  const { events, documents, log } = needs

  const stored = async (name: string) => (await documents.load(histories, [name])).get(name)

  /** Only one process projects; whoever was replaced meanwhile finds that it was. */
  const save = async (name: string, history: History): Promise<void> => {
    const known = await stored(name)
    const version = (known?.version ?? 0) + 1
    const document = { id: name, version, body: { ...history, logId: events.logId } }
    const { conflicts } = await documents.write(histories, [
      known ? { do: 'replace', document, ifVersion: known.version } : { do: 'insert', document },
    ])
    if (conflicts.length > 0) throw new Error(`Somebody else moved the history of ${name}.`)
  }

  const forget = async (name: string): Promise<void> => {
    const known = await stored(name)
    if (known)
      await documents.write(histories, [{ do: 'delete', id: name, ifVersion: known.version }])
  }

  const history = async (name: string): Promise<History | undefined> => {
    const body = (await stored(name))?.body as (History & { logId: string }) | undefined
    return body?.logId === events.logId ? body : undefined
  }

  const isThere = async ({ before, eventId }: Point): Promise<boolean> => {
    const page = await events.readAll({ limit: 1, ...(before !== undefined && { after: before }) })
    return page.events[0]?.id === eventId
  }

  /** Whole streams, a few at a time. */
  const bringBack = async (recovered: Recovered, ids: readonly string[]): Promise<void> => {
    const { projection } = recovered
    for (let index = 0; index < ids.length; index += readAtOnce) {
      const some = ids.slice(index, index + readAtOnce)
      const streams = await Promise.all(
        some.map((id) => events.read(projection.wholeStream!.streamOf(id))),
      )
      await projectGroups(
        { streams: events, documents, log, ...recovered },
        groupById(projection, streams.flat()),
      )
    }
  }

  const pageOf = async ({ position, until }: History) => {
    const after = position === undefined ? {} : { after: position }
    const page = await events.readAll({ ...after, limit: pageMax })
    const isBefore = (event: RecordedEvent) => events.comparePositions(event.position, until) <= 0
    const isLast = page.atHead || events.comparePositions(page.checkpoint, until) >= 0
    return { within: page.events.filter(isBefore), checkpoint: page.checkpoint, isLast }
  }

  return {
    history,
    forget,

    async begin(recovered) {
      if (!recovered.projection.wholeStream) return undefined
      const last = (await readRecovery(events))?.last
      if (!last?.from || !(await isThere(last.from))) return undefined
      const { from, list } = last
      const listed = list === undefined ? undefined : (await readRecovery(events, list))?.listed
      const open = listed?.open ?? []
      const parked = listed?.parked ?? []
      await save(recovered.name, { until: from.position })
      log.info('A read model is recovered from a mark; its history follows.', {
        projection: recovered.projection.name,
        position: from.position,
        open: open.length,
        parked: parked.length,
      })
      await bringBack(recovered, [...open, ...parked])
      return from
    },

    async followHistory(recovered, signal, onPage) {
      const { name, projection } = recovered
      for (let missing = await history(name); missing && !signal.aborted; ) {
        onPage(missing)
        const { within, checkpoint, isLast } = await pageOf(missing)
        await projectGroups(
          { streams: events, documents, log, ...recovered, toTheEnd: true },
          groupById(projection, within),
        )
        if (isLast) {
          await forget(name)
          onPage(undefined)
          return log.info('The history of a read model is back.', { projection: projection.name })
        }
        missing = { ...missing, position: checkpoint }
        await save(name, missing)
      }
    },
  }
}
