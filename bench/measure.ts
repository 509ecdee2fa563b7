import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { acceptFlatOut, acceptPaced } from './accept.ts'
import { endToEnd, settled } from './end-to-end.ts'
import { type Figures, perSecond, rounded } from './figures.ts'
import { eventsEach } from './finished.ts'
import { openHttpClient } from './http-client.ts'
import type { BenchOptions } from './options.ts'
import { preload as writePreload } from './preload.ts'
import { bytesIn, cpuMsOf, rssMbOf } from './process-figures.ts'
import { replay } from './replay.ts'
import { logFile, startService } from './service-process.ts'
import { register } from './workload.ts'

export type Say = (line: string) => void

const pacedPerSecond = 1_000
const connections = 64
/** After the last work: timers and collections of garbage that belong to it. */
const calmMs = 3_000

/** Share of one core that processes use together while nothing is asked of it. */
export const idleCpuPercent = async (pids: readonly number[], seconds: number): Promise<number> => {
  await sleep(calmMs)
  const used = () => pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0)
  const before = used()
  const start = performance.now()
  await sleep(seconds * 1_000)
  return ((used() - before) / (performance.now() - start)) * 100
}

/** Everything of one service on one data directory; the service is stopped at the end. */
export const measure = async (
  options: BenchOptions,
  place: { readonly dataDir: string; readonly sandboxUrl: string },
  say: Say,
): Promise<Figures> => {
  const { size, profileDir, preload } = options
  const { recipients } = size
  const run = `bench-${Date.now()}`
  if (preload > 0) await writePreload({ dataDir: place.dataDir, events: preload, recipients }, say)
  await using service = await startService({
    ...place,
    ...(profileDir !== undefined && { profileDir }),
  })
  const { url, firstKey, synchronous } = service.ready
  await using client = openHttpClient({ url, key: firstKey!, connections })

  if (preload > 0) {
    const started = performance.now()
    await settled(client)
    const rate = perSecond(preload, performance.now() - started)
    say(`read models of ${preload} events caught up: ${rounded(rate)} events/s`)
    say(`memory of the service then: ${rounded(rssMbOf(service.pid))} MB`)
  }
  const registering = performance.now()
  await register(client, recipients)
  const registered = perSecond(2 * recipients, performance.now() - registering)
  say(`registered ${recipients} recipients with a device each: ${rounded(registered)} changes/s`)
  await settled(client)

  const paced = await acceptPaced(
    client,
    { recipients, run: `${run}-paced` },
    { ratePerSecond: pacedPerSecond, seconds: size.pacedSeconds },
  )
  say(`accept at 1,000/s: p50 ${rounded(paced.p50Ms)} ms, p99 ${rounded(paced.p99Ms)} ms`)
  await settled(client)

  const whole = await endToEnd(
    { url, key: firstKey! },
    client,
    { recipients, run: `${run}-whole` },
    size.notifications,
  )
  const accepted = `accepted in ${rounded(whole.acceptedMs)} ms, all read back in ${rounded(whole.ms)} ms`
  say(`end to end: ${rounded(whole.perSecond)}/s (${accepted})`)

  const flatOut = await acceptFlatOut(
    client,
    { recipients, run: `${run}-flat` },
    size.flatOutSeconds,
  )
  say(`accept flat out: ${rounded(flatOut.perSecond)}/s`)
  await settled(client)
  const rssMb = rssMbOf(service.pid)
  say(`memory of the service: ${rounded(rssMb)} MB`)
  const idle = await idleCpuPercent([service.pid], size.idleSeconds)
  say(`idle: ${rounded(idle)} % of a core`)
  await service.stop()

  const notifications =
    size.notifications + paced.count + flatOut.count + Math.floor(preload / eventsEach)
  const bytesPerNotification = bytesIn(place.dataDir) / notifications
  say(`on disk: ${rounded(bytesPerNotification)} bytes a notification`)
  const replayed = await replay(join(place.dataDir, logFile))
  say(`replay: ${replayed.events} events at ${rounded(replayed.perSecond)}/s`)
  return {
    acceptPerSecond: flatOut.perSecond,
    acceptP50Ms: paced.p50Ms,
    acceptP99Ms: paced.p99Ms,
    endToEndPerSecond: whole.perSecond,
    replayEventsPerSecond: replayed.perSecond,
    rssMb,
    idleCpuPercent: idle,
    bytesPerNotification,
    synchronous,
  }
}
