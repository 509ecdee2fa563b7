import { join } from 'node:path'
import type { PabalProcess } from '../../deploy/cluster/pabal.ts'
import { type Cluster, startCluster } from '../../deploy/cluster/start-cluster.ts'
import { acceptFlatOut, acceptPaced } from '../accept.ts'
import { endToEnd, settled } from '../end-to-end.ts'
import { type ClusterFigures, rounded } from '../figures.ts'
import { eventsEach } from '../finished.ts'
import { type HttpClient, openHttpClient } from '../http-client.ts'
import { idleCpuPercent, type Say } from '../measure.ts'
import type { BenchOptions } from '../options.ts'
import { bytesIn, rssMbOf } from '../process-figures.ts'
import { replayLog } from '../replay.ts'
import { liftedLimits } from '../service-process.ts'
import { eventIdOf, register } from '../workload.ts'
import { measureFollowers, processWith } from './followers.ts'
import { clearLedger, providerLatencies, readLedger } from './provider-latency.ts'
import { type BenchPrograms, hasOwnServers } from './servers.ts'
import { openStores } from './stores.ts'

const pacedPerSecond = 1_000
const toProviderPerSecond = 500
/** What two cores with all the servers beside it keep up with: the way of one, without a queue that grows. */
const calmPerSecond = 50
const connections = 64

/** Requests at a steady pace, each timed until a provider has its message. */
const acceptToProvider = async (
  cluster: Cluster,
  client: HttpClient,
  workload: { readonly recipients: number; readonly run: string },
  pace: { readonly ratePerSecond: number; readonly seconds: number },
  say: Say,
) => {
  const { controlUrl } = cluster.sandbox
  await clearLedger(controlUrl)
  const { count, dueAt } = await acceptPaced(client, workload, pace)
  await settled(client)
  const lines = await readLedger(controlUrl)
  const latencies = providerLatencies(lines, {
    ...{ count, dueAt },
    eventIdOf: (number) => eventIdOf(workload, number),
  })
  const { p50Ms, p99Ms } = latencies
  const at = `at ${pace.ratePerSecond}/s`
  say(`to the provider ${at}: p50 ${rounded(p50Ms)} ms, p99 ${rounded(p99Ms)} ms`)
  return { count, ...latencies }
}

/** All that is asked of a service that runs in two processes; a third joins in for the growth. */
const measureService = async (
  cluster: Cluster,
  processes: { readonly front: PabalProcess; readonly more: PabalProcess },
  key: string,
  { size }: BenchOptions,
  say: Say,
) => {
  const { front, more } = processes
  const { recipients } = size
  const run = `bench-${Date.now()}`
  await using client = openHttpClient({ url: front.url, key, connections })
  await register(client, recipients)
  await settled(client)
  say(`registered ${recipients} recipients with a device each`)
  const workload = (name: string) => ({ recipients, run: `${run}-${name}` })
  const whole = async (name: string) => {
    const service = { url: front.url, key }
    const done = await endToEnd(service, client, workload(name), size.notifications)
    say(`end to end, ${name}: ${rounded(done.perSecond)}/s (in ${rounded(done.ms)} ms)`)
    return done
  }

  const toProviderAt = (name: string, ratePerSecond: number) => {
    const pace = { ratePerSecond, seconds: size.pacedSeconds }
    return acceptToProvider(cluster, client, workload(name), pace, say)
  }
  const calm = await toProviderAt('calm', calmPerSecond)
  const toProvider = await toProviderAt('provider', toProviderPerSecond)
  const one = await whole('one process with channels')
  await more.start()
  const two = await whole('two processes with channels')
  await more.stop()
  const pace = { ratePerSecond: pacedPerSecond, seconds: size.pacedSeconds }
  const paced = await acceptPaced(client, workload('paced'), pace)
  say(`accept at 1,000/s: p50 ${rounded(paced.p50Ms)} ms, p99 ${rounded(paced.p99Ms)} ms`)
  await settled(client)
  const flatOut = await acceptFlatOut(client, workload('flat'), size.flatOutSeconds)
  say(`accept flat out: ${rounded(flatOut.perSecond)}/s`)
  await settled(client)
  const sent = [calm, toProvider, paced, flatOut].reduce((sum, { count }) => sum + count, 0)
  const notifications = sent + 2 * size.notifications
  return { toProvider, one, two, paced, flatOut, notifications }
}

/** Everything of one service on one cluster that is started for it, and ended afterwards. */
export const measureCluster = async (
  options: BenchOptions,
  place: { readonly directory: string; readonly programs: BenchPrograms },
  say: Say,
): Promise<Partial<ClusterFigures>> => {
  const { size, preload, profileDir } = options
  const { recipients } = size
  const { directory, programs } = place
  await using cluster = await startCluster({
    ...{ directory, programs, processes: [], settings: liftedLimits },
  })
  await using stores = await openStores(cluster.servers)
  if ((await stores.events.head()) !== undefined)
    throw new Error('The event store is not empty; the benchmark needs one of its own.')
  const follow = { directory, events: preload, recipients, profileDir }
  const { relay, feed, projector } = await measureFollowers(cluster, stores, follow, say)

  const following = {
    relayEventsPerSecond: relay.perSecond,
    feedEventsPerSecond: feed.perSecond,
    // Of whichever ends last: both are in one process.
    relayCpuMicros: Math.max(relay.cpuMicros, feed.cpuMicros),
    projectorEventsPerSecond: projector.perSecond,
    projectorCpuMicros: projector.cpuMicros,
  }
  if (options.onlyFollowers) return following

  const about = { directory, profileDir }
  await using front = await processWith(cluster, {
    ...{ ...about, name: 'front', roles: 'api,router,channels' },
  })
  await using back = await processWith(cluster, {
    ...{ ...about, name: 'back', roles: 'relay,projector,timekeeper' },
  })
  await using more = await processWith(cluster, {
    ...{ ...about, name: 'channels', roles: 'channels' },
  })
  await front.start()
  await back.start()
  const key = String(front.ready.firstKey)
  const service = await measureService(cluster, { front, more }, key, options, say)
  const pids = [front.pid!, back.pid!]
  const rssMb = pids.reduce((sum, pid) => sum + rssMbOf(pid), 0)
  const idle = await idleCpuPercent(pids, size.idleSeconds)
  say(`two processes: ${rounded(rssMb)} MB, idle ${rounded(idle)} % of a core`)
  await Promise.all([front.stop(), back.stop()])

  const replayed = await replayLog(stores.events)
  say(`replay: ${replayed.events} events at ${rounded(replayed.perSecond)}/s`)
  const notifications = service.notifications + Math.floor(preload / eventsEach)
  const bytes = ['eventstoredb', 'nats', 'mongodb'].map((name) => bytesIn(join(directory, name)))
  const total = bytes.reduce((sum, each) => sum + each, 0)
  return {
    acceptPerSecond: service.flatOut.perSecond,
    acceptP50Ms: service.paced.p50Ms,
    acceptP99Ms: service.paced.p99Ms,
    endToEndPerSecond: service.one.perSecond,
    replayEventsPerSecond: replayed.perSecond,
    rssMb,
    idleCpuPercent: idle,
    bytesPerNotification: hasOwnServers(cluster) ? total / notifications : Number.NaN,
    synchronous: Number.NaN,
    acceptToProviderP50Ms: service.toProvider.p50Ms,
    acceptToProviderP99Ms: service.toProvider.p99Ms,
    endToEndTwoChannelsPerSecond: service.two.perSecond,
    ...following,
  }
}
