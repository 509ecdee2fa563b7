import { canonicalJson } from '#domain/canonical-json.ts'
import { digestOf, sha256 } from '#domain/identity.ts'
import { isOwn } from '#domain/log/log.ts'
import type { EventStore, LogPage, RecordedEvent } from '#ports/event-store.ts'

/** Streams are summed up in so many groups: memory stays the same, and a difference is found again. */
const groupCount = 4_096
const words = 8
const pageMax = 5_000
const differencesMax = 100

type Readable = Pick<EventStore, 'readAll' | 'comparePositions'>

/** What a log holds but for its own marks; two logs with the same digest hold the same. */
export interface LogDigest {
  readonly events: number
  readonly streams: number
  readonly hash: string
  readonly groups: Uint32Array
}

export interface StreamDifference {
  readonly stream: string
  readonly what: 'missing' | 'differs' | 'extra'
}

const groupOf = (stream: string): number => {
  let hash = 0
  for (let index = 0; index < stream.length; index += 1) {
    hash = (Math.imul(hash, 31) + stream.charCodeAt(index)) >>> 0
  }
  return hash % groupCount
}

/** Of all that has to arrive: everything but the place in the whole log, which is each log's own. */
const digestOfEvent = (event: RecordedEvent): Buffer => {
  const { stream, revision, id, type, schemaVersion, data, personal = null, metadata } = event
  const { at, app, actor, correlationId, causationId = null, traceparent = null } = metadata
  const told = [stream, revision, id, type, schemaVersion, at, app, actor, correlationId]
  const rest = JSON.stringify([...told, causationId, traceparent])
  return digestOf(`${rest}${canonicalJson(data)}${canonicalJson(personal)}`)
}

/** Adds an event to a sum, whatever the order: its stream and revision are in its digest, so none occurs twice. */
const add = (sums: Uint32Array, at: number, event: RecordedEvent): void => {
  const digest = digestOfEvent(event)
  for (let word = 0; word < words; word += 1) {
    sums[at + word]! ^= digest.readUInt32LE(word * 4)
  }
}

/** The pages of a log without its own streams, up to a position (included). */
async function* pagesUpTo(events: Readable, upTo: string | undefined): AsyncGenerator<LogPage> {
  let after: string | undefined
  for (let last = upTo === undefined; !last; ) {
    const page = await events.readAll({ limit: pageMax, ...(after !== undefined && { after }) })
    const within = page.events.filter(
      ({ stream, position }) => !isOwn(stream) && events.comparePositions(position, upTo!) <= 0,
    )
    yield { ...page, events: within }
    after = page.checkpoint
    last = page.atHead || events.comparePositions(after, upTo!) >= 0
  }
}

/** Reads a log up to a position (included; `undefined`: an empty one) and sums up what it holds. */
export const digestLog = async (
  events: Readable,
  upTo: string | undefined,
  onPage: (events: number) => void = () => {},
): Promise<LogDigest> => {
  const groups = new Uint32Array(groupCount * words)
  let counted = 0
  let streams = 0
  for await (const page of pagesUpTo(events, upTo)) {
    for (const event of page.events) {
      add(groups, groupOf(event.stream) * words, event)
      if (event.revision === 0) streams += 1
    }
    counted += page.events.length
    onPage(counted)
  }
  return { events: counted, streams, hash: sha256(groups.join()), groups }
}

const sumsByStream = async (
  events: Readable,
  upTo: string | undefined,
  wanted: ReadonlySet<number>,
): Promise<ReadonlyMap<string, Uint32Array>> => {
  const sums = new Map<string, Uint32Array>()
  for await (const page of pagesUpTo(events, upTo)) {
    for (const event of page.events) {
      if (!wanted.has(groupOf(event.stream))) continue
      const sum = sums.get(event.stream) ?? new Uint32Array(words)
      sums.set(event.stream, sum)
      add(sum, 0, event)
    }
  }
  return sums
}

interface Compared {
  readonly events: Readable
  readonly upTo: string | undefined
  readonly digest: LogDigest
}

/** The streams that differ, at most 100: the logs are read once more, for the groups that differ. */
export const findDifferences = async (
  source: Compared,
  target: Compared,
): Promise<readonly StreamDifference[]> => {
  const differ = (group: number) => {
    const at = group * words
    const [a, b] = [source, target].map(({ digest }) => digest.groups.subarray(at, at + words))
    return a!.join() !== b!.join()
  }
  const wanted = new Set([...Array(groupCount).keys()].filter(differ))
  if (wanted.size === 0) return []
  const there = await sumsByStream(source.events, source.upTo, wanted)
  const here = await sumsByStream(target.events, target.upTo, wanted)
  const found: StreamDifference[] = []
  for (const [stream, sum] of there) {
    const copied = here.get(stream)
    if (!copied) found.push({ stream, what: 'missing' })
    else if (copied.join() !== sum.join()) found.push({ stream, what: 'differs' })
  }
  for (const stream of here.keys()) if (!there.has(stream)) found.push({ stream, what: 'extra' })
  return found.slice(0, differencesMax)
}
