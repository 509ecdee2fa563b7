import type { Clock } from '#ports/clock.ts'
import type { Finding } from '#ports/finding.ts'
import type { ClusterConfig } from '../config.ts'

/** One server's silence must not keep the others' findings back. */
const inspectMaxMs = 20_000

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

/** Examines all three servers at the same time; answers what each of them is, in this order. */
export const inspectCluster = async (
  config: ClusterConfig,
  clock: Clock,
  expectedStreams?: number,
): Promise<readonly Finding[]> => {
  const log: Inspect = async () => {
    const { inspectEventStoreDb } = await import('#adapters/eventstoredb/inspect.ts')
    return inspectEventStoreDb({ url: config.eventstoreUrl.reveal(), clock, expectedStreams })
  }
  const queue: Inspect = async () => {
    const { inspectNats } = await import('#adapters/nats/inspect.ts')
    return inspectNats({ url: config.natsUrl.reveal(), replicas: config.natsReplicas, clock })
  }
  const documents: Inspect = async () => {
    const { inspectMongo } = await import('#adapters/mongodb/inspect.ts')
    return inspectMongo({ url: config.mongodbUrl.reveal(), clock })
  }
  const found = await Promise.all([
    inTime('log', log, clock),
    inTime('queue', queue, clock),
    inTime('documents', documents, clock),
  ])
  return found.flat()
}
