import type { CircuitState } from '#handlers/circuit.ts'
import type { Credentials } from '#handlers/credentials.ts'
import type { Progress } from '#handlers/progress.ts'
import type { Tallies } from '#handlers/tally.ts'
import type { Clock } from '#ports/clock.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { GaugeSource, Observe } from '#ports/telemetry.ts'
import type { WorkQueue } from '#ports/work-queue.ts'
import { instruments } from './instruments.ts'

/** Who follows the log in this process, and how far he has come. */
export interface Follower {
  readonly name: string
  readonly position: string | undefined
}

/** A read model that is rebuilt is followed twice: the later one has its generation in its name. */
export const followersOf = (
  progress: readonly Progress[],
  relayed: string | undefined,
): readonly Follower[] => {
  const found = new Map<string, Follower>()
  // Nothing relayed yet, on an empty log: nobody follows.
  if (relayed !== undefined) found.set('relay', { name: 'relay', position: relayed })
  for (const { projection, generation, position } of progress) {
    const name = found.has(projection) ? `${projection}.${generation}` : projection
    found.set(name, { name, position })
  }
  return [...found.values()]
}

const lagMax = 10_000
const circuits: Readonly<Record<CircuitState['is'], number>> = { closed: 0, probing: 1, open: 2 }

const queueSource = (queue: WorkQueue): GaugeSource => ({
  name: 'queue',
  async observe(observe) {
    for (const { lane, priority, waiting, inFlight, oldestAgeMs } of await queue.depths()) {
      observe(instruments.waiting, waiting, lane, priority)
      observe(instruments.inFlight, inFlight, lane, priority)
      observe(instruments.oldest, waiting > 0 ? oldestAgeMs / 1_000 : 0, lane, priority)
    }
  },
})

const circuitSource = (credentials: Credentials): GaugeSource => ({
  name: 'credentials',
  observe(observe) {
    for (const { name, circuit } of credentials.all) {
      observe(instruments.circuit, circuits[circuit.state.is], name)
    }
  },
})

/** Followers stand mostly at the same place: each place is looked at once. */
export const lagSource = (
  followers: () => readonly Follower[],
  events: EventStore,
  clock: Clock,
): GaugeSource => {
  /** In a log that others write to as well: from each place on, up to where nothing is ours. */
  const skipped = new Map<string | undefined, string>()

  const lagAfter = async (position: string | undefined) => {
    let from = skipped.get(position) ?? position
    const pageFrom = (limit: number) =>
      events.readAll({ limit, ...(from !== undefined && { after: from }) })
    let page = await pageFrom(1)
    while (page.events.length === 0 && !page.atHead) {
      from = page.checkpoint
      skipped.set(position, from)
      page = await pageFrom(1)
    }
    const first = page.events[0]
    if (!first) return { count: 0, ageMs: 0 }
    const { events: rest } = await pageFrom(lagMax)
    return {
      count: rest.length,
      ageMs: Math.max(0, clock.now() - Date.parse(first.metadata.at)),
    }
  }
  return {
    name: 'followers',
    async observe(observe) {
      const places = Map.groupBy(followers(), (each) => each.position)
      for (const left of skipped.keys()) if (!places.has(left)) skipped.delete(left)
      for (const [position, standing] of places) {
        const { count, ageMs } = await lagAfter(position)
        for (const { name } of standing) {
          observe(instruments.lagEvents, count, name)
          observe(instruments.lagSeconds, ageMs / 1_000, name)
        }
      }
    },
  }
}

const tallySource = (tallies: Tallies): GaugeSource => ({
  name: 'notifications',
  async observe(observe: Observe) {
    const tally = await tallies.read()
    // Not counted yet: nothing is said rather than something wrong.
    if (!tally) return
    observe(instruments.accepted, tally.accepted)
    for (const [status, count] of Object.entries(tally.statuses)) {
      observe(instruments.notifications, count, status)
    }
  },
})

/** All that is looked at when somebody asks. */
export const gaugeSources = (needs: {
  readonly queue: WorkQueue
  readonly credentials: Credentials
  readonly followers: () => readonly Follower[]
  readonly events: EventStore
  readonly tallies: Tallies
  readonly clock: Clock
}): readonly GaugeSource[] => [
  queueSource(needs.queue),
  circuitSource(needs.credentials),
  lagSource(needs.followers, needs.events, needs.clock),
  tallySource(needs.tallies),
]
