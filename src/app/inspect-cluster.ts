import type { Clock } from '#ports/clock.ts'
import type { Finding } from '#ports/finding.ts'
import type { ClusterConfig } from '../config.ts'
import { readStored } from './inspect-stored.ts'
import { natsOptionsOf } from './nats-options.ts'

/** One server's silence must not keep the others' findings back. */
const inspectMaxMs = 20_000

/** Who names a replica set or a majority in the address does not want a server that is alone. */
const asksForMajority = /[?&](?:replicaSet=|w=majority)/i

type Inspect = () => Promise<readonly Finding[]>

/** The name of a subject is for people: `log` is EventStoreDB here. */
const servers = { log: 'EventStoreDB', queue: 'NATS', documents: 'MongoDB' } as const

const inTime = async (
  subject: keyof typeof servers,
  inspect: Inspect,
  clock: Clock,
): Promise<readonly Finding[]> => {
  const enough = new AbortController()
  const late = clock.sleep(inspectMaxMs, enough.signal).then((): readonly Finding[] => {
    const message = `${servers[subject]} did not answer every question within ${inspectMaxMs / 1_000} s. Look at its load and its log.`
    return [{ subject, level: 'wrong', code: 'start/no-answer', message }]
  })
  try {
    return await Promise.race([inspect(), late])
  } finally {
    enough.abort()
  }
}

/** Examines all three servers at the same time; answers what each of them is, in this order. `thorough`: what they hold, too. */
export const inspectCluster = async (
  config: ClusterConfig,
  clock: Clock,
  thorough?: { readonly expectedStreams?: number },
): Promise<readonly Finding[]> => {
  const url = config.mongodbUrl.reveal()
  let reading: ReturnType<typeof readStored> | undefined
  const stored = () => (reading ??= readStored(url, clock))
  const contents = thorough && {
    expectedStreams: async () => thorough.expectedStreams ?? (await stored())?.notifications,
  }
  const log: Inspect = async () => {
    const { inspectEventStoreDb } = await import('#adapters/eventstoredb/inspect.ts')
    const append = config.eventstoreAppend as 'classic' | 'batch'
    return inspectEventStoreDb({ url: config.eventstoreUrl.reveal(), append, clock, contents })
  }
  const queue: Inspect = async () => {
    const { inspectNats } = await import('#adapters/nats/inspect.ts')
    return inspectNats({ ...natsOptionsOf(config), clock })
  }
  const documents: Inspect = async () => {
    const { inspectMongo } = await import('#adapters/mongodb/inspect-mongo.ts')
    const demandReplicaSet = asksForMajority.test(url)
    const collections = async () => (await stored())?.collections ?? []
    return inspectMongo({ url, clock, demandReplicaSet, ...(thorough && { collections }) })
  }
  const found = await Promise.all([
    inTime('log', log, clock),
    inTime('queue', queue, clock),
    inTime('documents', documents, clock),
  ])
  return found.flat()
}
