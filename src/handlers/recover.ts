import {
  evolveRecovery,
  type Point,
  type Recovery,
  recoveryStream,
} from '#domain/recovery/recovery.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import type { History } from './checkpoints.ts'
import { type Groups, groupById } from './gathering.ts'
import { isInLog } from './places.ts'
import { type Projecting, projectGroups } from './project.ts'

const pageMax = 4_000
const readAtOnce = 100
/** Documents brought back before others may go on with theirs. */
const foldAtOnce = 300

/** The marks of a log; `undefined` when none was made yet. */
export const readRecovery = async (
  events: Pick<EventStore, 'read'>,
  stream: string = recoveryStream,
): Promise<Recovery | undefined> => {
  let state: Recovery | undefined
  for (const event of await events.read(stream)) state = evolveRecovery(state, event)
  return state
}

interface Recovering {
  readonly events: EventStore
  readonly log: Log
  readonly feeding: Projecting
}

/** Whole streams, a few at a time. */
const bringBack = async (
  { events, feeding }: Recovering,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<void> => {
  const { projection } = feeding
  for (let index = 0; index < ids.length && !signal.aborted; index += readAtOnce) {
    const some = ids.slice(index, index + readAtOnce)
    const streams = await Promise.all(
      some.map((id) => events.read(projection.wholeStream!.streamOf(id))),
    )
    await projectGroups(feeding, groupById(projection, streams.flat()))
  }
}

/**
 * Brings back what the last mark lists, and answers from where on the log has to be folded; `undefined`:
 * from its beginning. What comes before is history: see `followHistory`.
 */
export const recoverFromMark = async (
  needs: Recovering,
  signal: AbortSignal,
): Promise<Point | undefined> => {
  const { events, log, feeding } = needs
  if (!feeding.projection.wholeStream) return undefined
  const last = (await readRecovery(events))?.last
  if (!last?.from || !(await isInLog(events, last.from))) return undefined
  const { from, list } = last
  const listed = list === undefined ? undefined : (await readRecovery(events, list))?.listed
  const open = listed?.open ?? []
  const parked = listed?.parked ?? []
  log.info('A read model is recovered from a mark; its history follows.', {
    projection: feeding.projection.name,
    position: from.position,
    open: open.length,
    parked: parked.length,
  })
  await bringBack(needs, [...open, ...parked], signal)
  return from
}

const inChunks = (groups: Groups): readonly Groups[] => {
  const all = [...groups]
  const chunks: Groups[] = []
  for (let at = 0; at < all.length; at += foldAtOnce)
    chunks.push(new Map(all.slice(at, at + foldAtOnce)))
  return chunks
}

/**
 * Folds what is missing, page by page, beside the events that come; ends when there is no more. `fold` is
 * given a few documents at a time, `onPage` what is missing then.
 */
export const followHistory = async (
  needs: Recovering & {
    readonly history: History
    readonly fold: (groups: Groups) => Promise<void>
    readonly onPage: (history: History | undefined) => Promise<void>
  },
  signal: AbortSignal,
): Promise<void> => {
  const { events, log, feeding, fold, onPage } = needs
  const { projection } = feeding
  const { until } = needs.history
  const isBefore = (event: RecordedEvent) => events.comparePositions(event.position, until) <= 0
  for (let after = needs.history.position; !signal.aborted; ) {
    const page = await events.readAll({ limit: pageMax, ...(after !== undefined && { after }) })
    for (const chunk of inChunks(groupById(projection, page.events.filter(isBefore)))) {
      if (signal.aborted) return
      await fold(chunk)
    }
    after = page.checkpoint
    if (page.atHead || events.comparePositions(after, until) >= 0) {
      await onPage(undefined)
      return log.info('The history of a read model is back.', { projection: projection.name })
    }
    await onPage({ position: after, until })
  }
}
