import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type PabalProcess, pabalProcess } from '../../deploy/cluster/pabal.ts'
import { freePort } from '../../deploy/cluster/ports.ts'
import type { Cluster } from '../../deploy/cluster/start-cluster.ts'
import { rounded } from '../figures.ts'
import { eventsEach, finishedNotification } from '../finished.ts'
import type { Say } from '../measure.ts'
import { fillLog } from '../preload.ts'
import { launcherArgs, profiling } from '../service-process.ts'
import { type Followed, watchFollower } from './follow.ts'
import type { Stores } from './stores.ts'

/** The relay tells the lanes of each: route it, then push it. */
const itemsEach = 2
const placeEveryMs = 100
const placesMax = 300

/** One process of the service on the servers of a cluster, not started yet. */
export const processWith = async (
  cluster: Cluster,
  about: {
    readonly name: string
    readonly roles: string
    readonly directory: string
    readonly profileDir?: string | undefined
  },
): Promise<PabalProcess> => {
  const { profileDir, ...named } = about
  return pabalProcess({
    ...named,
    port: await freePort(),
    settings: cluster.settings,
    nodeArgs: [
      ...launcherArgs,
      ...(profileDir === undefined ? [] : profiling(join(profileDir, about.name))),
    ],
  })
}

export interface FollowersFigures {
  readonly relay: Followed
  readonly feed: Followed
  readonly projector: Followed
}

const said = (name: string, { perSecond, cpuMicros }: Followed): string =>
  `${name}: ${rounded(perSecond)} events/s, ${rounded(cpuMicros)} µs of CPU an event`

/**
 * Without a place the relay would begin at the head, wherever that is by then. It has one once it has seen an
 * event, and when it begins to look is not known. Answers how many notifications that took.
 */
const givePlaces = async (stores: Stores, recipients: number): Promise<number> => {
  for (let number = 1; number <= placesMax; number += 1) {
    const { stream, events } = finishedNotification(-number, recipients, Date.now())
    await stores.events.append(stream, events, { expected: 'no-stream' })
    await sleep(placeEveryMs)
    if (await stores.isKept(['relay', 'feed'])) return number
  }
  throw new Error('The relay does not follow the log.')
}

/** Fills an empty log and lets the relay, then the projector, each alone in a process, follow it. */
export const measureFollowers = async (
  cluster: Cluster,
  stores: Stores,
  options: {
    readonly directory: string
    readonly events: number
    readonly recipients: number
    readonly profileDir?: string | undefined
  },
  say: Say,
): Promise<FollowersFigures> => {
  const { directory, events, recipients, profileDir } = options
  const about = { directory, profileDir }
  await using relay = await processWith(cluster, { ...about, name: 'relay', roles: 'relay' })
  await relay.start()
  const before = await givePlaces(stores, recipients)
  await relay.stop()
  await fillLog(stores.events, { events, recipients }, say)
  say(`${events} events are in the log`)

  const notifications = Math.floor(events / eventsEach)
  const [published, told] = [await stores.published(), await stores.told()]
  await relay.start()
  const [relayed, fed] = await Promise.all([
    watchFollower(relay.pid!, {
      count: stores.published,
      target: published + notifications * itemsEach,
      eventsPerStep: eventsEach / itemsEach,
    }),
    watchFollower(relay.pid!, {
      count: stores.told,
      target: told + notifications * eventsEach,
      eventsPerStep: 1,
    }),
  ])
  await relay.stop()
  say(said('relay', relayed))
  say(said('feed', fed))
  // Nobody is to be told of what was never asked for.
  await stores.forgetWork()

  await using projector = await processWith(cluster, {
    ...{ ...about, name: 'projector', roles: 'projector' },
  })
  await projector.start()
  const projected = await watchFollower(projector.pid!, {
    count: stores.counted,
    target: notifications + before,
    eventsPerStep: eventsEach,
  })
  await projector.stop()
  say(said('projector', projected))
  return { relay: relayed, feed: fed, projector: projected }
}
