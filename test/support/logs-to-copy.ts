import { randomUUID } from 'node:crypto'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { type CopyOptions, copyLog } from '#handlers/log-copy.ts'
import type { EventStore, NewEvent, RecordedEvent } from '#ports/event-store.ts'
import type { Log } from '#ports/log.ts'
import { newEvent } from '../contracts/log-samples.ts'
import { createFakeClock } from './fake-clock.ts'
import { readLog } from './open-service.ts'
import { createSeededRandom } from './seeded-random.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

const eventAt = (index: number): NewEvent =>
  newEvent({
    data: { index, nested: { z: [1, null, 'two'], a: `한국어 ${index}` } },
    ...(index % 3 === 0 && { personal: { to: `u${index}@example.org` } }),
    metadata: {
      at: new Date(Date.UTC(2026, 0, 1) + index * 1_000).toISOString(),
      app: 'shop',
      actor: 'key:k1',
      correlationId: `c${index}`,
      ...(index % 2 === 0 && { causationId: randomUUID() }),
    },
  })

/** Streams of different lengths, their events mixed; among them what a log tells of itself. */
export const fill = async (events: EventStore, count: number, streams = 50): Promise<void> => {
  const next = new Map<string, number>()
  for (let index = 0; index < count; index += 1) {
    const number = (index * 7 + (index % 11)) % streams
    const stream = index % 97 === 96 ? 'pabal-recovery' : `notification-${number}`
    const revision = next.get(stream) ?? 0
    const expected = revision === 0 ? 'no-stream' : revision - 1
    await events.append(stream, [eventAt(index)], { expected })
    next.set(stream, revision + 1)
  }
}

export const filledLog = async (count: number): Promise<EventStore> => {
  const events = createMemoryEventStore()
  await fill(events, count)
  return events
}

/** All of a log that a copy has to hold, by stream. */
export const contentsOf = async (
  events: EventStore,
): Promise<ReadonlyMap<string, readonly object[]>> => {
  const own = ({ stream }: RecordedEvent) => stream.startsWith('pabal-')
  const all = (await readLog(events)).filter((event) => !own(event))
  const told = all.map(({ position: _position, ...rest }) => rest)
  return new Map(
    [...Map.groupBy(told, ({ stream }) => stream)].sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

/** With a clock that nobody moves: only what needs no time comes to an end. */
export const copy = (
  source: EventStore,
  target: EventStore,
  options: Partial<CopyOptions> = {},
  clock = createFakeClock(),
) =>
  copyLog(
    {
      ...{
        source,
        target,
        clock,
        random: createSeededRandom(Math.floor(clock.now())),
        log: silent,
      },
      signal: new AbortController().signal,
    },
    { finish: false, settleMs: 0, ...options },
  )
