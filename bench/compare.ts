import { join } from 'node:path'
import { hasRedisServer } from './bullmq/redis-server.ts'
import { endToEnd, settled } from './end-to-end.ts'
import { median, rounded } from './figures.ts'
import { openHttpClient } from './http-client.ts'
import type { Say } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { startService } from './service-process.ts'
import { register } from './workload.ts'

export interface Comparison {
  readonly pabalPerSecond: number
  readonly bullmqPerSecond: number
  readonly ratio: number
}

/** Both in turn, each on an empty disk, several times; the medians. Without a redis-server, nothing. */
export const compare = async (
  options: BenchOptions,
  place: { readonly dir: string; readonly sandboxUrl: string },
  say: Say,
): Promise<Comparison | undefined> => {
  if (!hasRedisServer()) {
    say('comparison with BullMQ: skipped, there is no redis-server (apt-get install redis-server)')
    return undefined
  }
  // Loaded only here: whoever does not compare needs neither package.
  const { openPipeline } = await import('./bullmq/pipeline.ts')
  const { size, compareRounds } = options
  const { recipients, notifications } = size
  const { sandboxUrl } = place

  const pabal = async (round: number): Promise<number> => {
    const dataDir = join(place.dir, `pabal-${round}`)
    await using service = await startService({ dataDir, sandboxUrl })
    const { url, firstKey } = service.ready
    await using client = openHttpClient({ url, key: firstKey!, connections: 64 })
    await register(client, recipients)
    await settled(client)
    const workload = { recipients, run: `compare-${Date.now()}` }
    const done = await endToEnd({ url, key: firstKey! }, client, workload, notifications)
    return done.perSecond
  }
  const bullmq = async (round: number): Promise<number> => {
    await using pipeline = await openPipeline(join(place.dir, `bullmq-${round}`), sandboxUrl)
    return await pipeline.endToEnd({ recipients, run: `compare-${Date.now()}` }, notifications)
  }

  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < compareRounds; round += 1) {
    theirs.push(await bullmq(round))
    say(`round ${round + 1}: BullMQ ${rounded(theirs.at(-1)!)}/s end to end`)
    ours.push(await pabal(round))
    say(`round ${round + 1}: Pabal ${rounded(ours.at(-1)!)}/s end to end`)
  }
  const [pabalPerSecond, bullmqPerSecond] = [median(ours), median(theirs)]
  return { pabalPerSecond, bullmqPerSecond, ratio: pabalPerSecond / bullmqPerSecond }
}
