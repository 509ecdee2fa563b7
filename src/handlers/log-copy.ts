import { decideLog, isOwn, type LogStanding } from '#domain/log/log.ts'
import type { Clock } from '#ports/clock.ts'
import { StartRefused, VersionConflict } from '#ports/errors.ts'
import type { EventStore, NewEvent, RecordedEvent } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import type { Random } from '#ports/random.ts'
import { digestLog, findDifferences, type LogDigest } from './log-digest.ts'
import { changeStanding, loadStanding } from './log-standing.ts'
import { createRecorder, type Patience, type Recorder } from './recorder.ts'

/** Events read, and then appended, at a time: so far apart two events keep their order for certain. */
const pageMax = 1_000
/** Appends under way at a time, each of another stream. */
const inFlightMax = 64
/** Bytes of one append of several events: EventStoreDB refuses more than 1 MiB of all together. */
const appendBytesMax = 500_000
/** A killed copy repeats no more than so many events. */
const advanceEvery = 50_000

export interface CopyProgress {
  readonly doing: 'copying' | 'comparing'
  /** Of this run. */
  readonly events: number
}

export interface CopyReport {
  readonly from: string
  readonly to: string
  /** Appended, or found to be there, by this run. */
  readonly copied: number
  /** Of the whole copy. */
  readonly events: number
  readonly streams: number
  readonly hash: string
  readonly finished: boolean
}

export interface CopyNeeds {
  readonly source: EventStore
  readonly target: EventStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly signal: AbortSignal
  readonly onProgress?: (progress: CopyProgress) => void
}

export interface CopyOptions {
  /** Seals the source, and makes the target the log to start on. */
  readonly finish: boolean
  /** How long others may still write to a sealed source: 0 when we hold its lock. */
  readonly settleMs: number
}

const newEventOf = (event: RecordedEvent): NewEvent => {
  const { id, type, schemaVersion, data, personal, metadata } = event
  return { id, type, schemaVersion, data, ...(personal && { personal }), metadata }
}

/** As JSON, with all that lies around it: no log takes more bytes for it. */
const bytesOf = (event: RecordedEvent): number => Buffer.byteLength(JSON.stringify(event))

/** What one stream gets of a page, in appends of a size that every log takes. */
const appendsOf = (events: readonly RecordedEvent[]): readonly (readonly RecordedEvent[])[] => {
  const appends: RecordedEvent[][] = []
  let sum = Infinity
  for (const event of events) {
    const bytes = bytesOf(event)
    sum += bytes
    if (sum > appendBytesMax) {
      appends.push([])
      sum = bytes
    }
    appends.at(-1)!.push(event)
  }
  return appends
}

const diverged = (stream: string): StartRefused =>
  new StartRefused(
    'log/diverged',
    `The target holds other events in ${stream} than the source. It is of no use as a copy: name an empty target.`,
  )

/** Appends what is not there yet, by the ids at exactly these revisions. */
const bring = async (
  target: EventStore,
  recorder: Recorder,
  events: readonly RecordedEvent[],
  patience: Patience,
): Promise<void> => {
  const { stream, revision } = events[0]!
  const append = (some: readonly RecordedEvent[], first: number) =>
    recorder.appendSurely(
      stream,
      some.map(newEventOf),
      first === 0 ? 'no-stream' : first - 1,
      patience,
    )
  try {
    await append(events, revision)
  } catch (error) {
    if (!(error instanceof VersionConflict)) throw error
    // An earlier run, whose page ended elsewhere, may have brought some of them.
    const there = await target.read(stream, revision === 0 ? {} : { after: revision - 1 })
    const same = there.every(
      (each, index) => index >= events.length || each.id === events[index]!.id,
    )
    if (there.length === 0 || !same) throw diverged(stream)
    const rest = events.slice(there.length)
    if (rest.length > 0) await append(rest, revision + there.length)
  }
}

/** Runs a few at a time; the first failure ends it once all have settled. */
const inFlight = async (tasks: readonly (() => Promise<void>)[]): Promise<void> => {
  const queue = tasks.values()
  const work = async () => {
    for (const task of queue) await task()
  }
  const results = await Promise.allSettled(Array.from({ length: inFlightMax }, work))
  const failed = results.find((each) => each.status === 'rejected')
  if (failed) throw failed.reason
}

const isEmpty = async (events: EventStore): Promise<boolean> => {
  for (let after: string | undefined; ; ) {
    const page = await events.readAll({ limit: pageMax, ...(after !== undefined && { after }) })
    if (page.events.some(({ stream }) => !isOwn(stream))) return false
    if (page.atHead) return true
    after = page.checkpoint
  }
}

/**
 * Copies a log, event by event, into an empty one; goes on where an earlier run ended. Ids, revisions and
 * times stay. The order across streams is kept but for events less than 1,000 apart: every document is
 * folded from one stream and every decision reads streams, so nothing depends on it, and one append at a
 * time would take hours.
 *
 * Then both are read and compared; `StartRefused` (`log/differs`) names the streams that do not agree.
 * The target is marked as a copy before its first event, and stays so unless `finish` is asked for.
 */
export const copyLog = async (needs: CopyNeeds, options: CopyOptions): Promise<CopyReport> => {
  const { source, target, clock, signal, onProgress = () => {} } = needs
  const recorder = createRecorder({ ...needs, events: target })
  const sealer = createRecorder({ ...needs, events: source })
  const patience = { signal }
  const onTarget = { events: target, recorder, patience }
  let copied = 0

  const copyPage = async (page: readonly RecordedEvent[]): Promise<void> => {
    const streams = Map.groupBy(page, ({ stream }) => stream)
    await inFlight(
      [...streams.values()].map((events) => async () => {
        for (const some of appendsOf(events)) await bring(target, recorder, some, patience)
      }),
    )
  }

  /** Up to the head as it is when it is reached; answers where the last event before it stands. */
  const copyFrom = async (position: string | undefined): Promise<string | undefined> => {
    let after = position
    // What is kept is the place of an event: those of others, between ours, may be scavenged.
    let last = position
    let marked = copied
    const mark = async () => {
      if (last === undefined || marked === copied) return
      marked = copied
      await changeStanding(onTarget, { do: 'advance-copy', position: last, events: copied })
    }
    for (let atHead = false; !atHead; ) {
      signal.throwIfAborted()
      const page = await source.readAll({
        limit: pageMax,
        ...(after !== undefined && { after }),
      })
      const events = page.events.filter(({ stream }) => !isOwn(stream))
      await copyPage(events)
      copied += events.length
      last = page.events.at(-1)?.position ?? last
      // A log that others write to as well answers pages in which nothing is ours.
      after = page.checkpoint
      atHead = page.atHead
      onProgress({ doing: 'copying', events: copied })
      if (copied - marked >= advanceEvery) await mark()
    }
    await mark()
    return last
  }

  const compare = async (upTo: string | undefined): Promise<LogDigest> => {
    const tell = (events: number) => onProgress({ doing: 'comparing', events })
    const original = { events: source, upTo, digest: await digestLog(source, upTo, tell) }
    const head = await target.head()
    const copy = { events: target, upTo: head, digest: await digestLog(target, head, tell) }
    if (original.digest.hash === copy.digest.hash) return copy.digest
    const differences = await findDifferences(original, copy)
    const named = differences.slice(0, 5).map(({ stream, what }) => `${stream} (${what})`)
    throw new StartRefused(
      'log/differs',
      `The copy does not hold what the source holds: ${original.digest.events} events there, ${copy.digest.events} here; ${differences.length} streams differ, first ${named.join(', ')}. Copy into an empty target.`,
    )
  }

  const begin = async (): Promise<LogStanding> => {
    if (source.logId === target.logId) {
      throw new StartRefused('log/same', 'Source and target are one and the same log.')
    }
    const command = { do: 'begin-copy', from: source.logId, empty: await isEmpty(target) } as const
    return (await changeStanding(onTarget, command))!
  }

  const reportOf = ({ events, streams, hash }: LogDigest, finished: boolean): CopyReport => {
    const ends = { from: source.logId, to: target.logId }
    return { ...ends, copied, events, streams, hash, finished }
  }

  const settle = async (): Promise<void> => {
    if (options.settleMs > 0) await clock.sleep(options.settleMs, signal)
    signal.throwIfAborted()
  }

  const seal = async (): Promise<void> => {
    const onSource = { events: source, recorder: sealer, patience }
    await changeStanding(onSource, { do: 'seal', to: target.logId })
    await settle()
  }

  // Said before anything is copied: a log is moved once, and only when it is whole.
  if (options.finish) decideLog(await loadStanding(source), { do: 'seal', to: target.logId })
  const { copy } = await begin()
  if (copy!.finished) {
    throw new StartRefused(
      'log/finished',
      'This copy was finished before; the target is a log of its own now. Start the service on it.',
    )
  }
  let upTo = await copyFrom(copy!.position)
  let digest = await compare(upTo)
  if (!options.finish) return reportOf(digest, false)
  await seal()
  const before = copied
  upTo = await copyFrom(upTo)
  if (copied > before) digest = await compare(upTo)
  await settle()
  const settled = copied
  await copyFrom(upTo)
  if (copied > settled) {
    throw new StartRefused(
      'log/still-written',
      'Something still writes to the source though it is sealed. Stop every process of the service there, then repeat this command.',
    )
  }
  const { events, streams, hash } = digest
  await changeStanding(onTarget, { do: 'finish-copy', events, streams, hash })
  return reportOf(digest, true)
}
