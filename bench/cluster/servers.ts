import { randomUUID } from 'node:crypto'
import { findPrograms, type Programs } from '../../deploy/cluster/programs.ts'
import type { Cluster } from '../../deploy/cluster/start-cluster.ts'
import { serverProgram } from '../../test/support/mongodb/built-server.ts'
import { withDatabase } from '../../test/support/mongodb/with-database.ts'

type Env = Readonly<Record<string, string | undefined>>

export interface BenchPrograms extends Programs, AsyncDisposable {
  /** Which servers these are, for whoever reads the figures. */
  readonly shown: string
}

/** A database of its own on a server that is there for tests, dropped in the end. */
const ownDatabase = (given: string): { readonly url: string; drop(): Promise<void> } => {
  const name = `pabal-bench-${randomUUID()}`
  const url = withDatabase(given, name)
  return {
    url,
    async drop() {
      const { MongoClient } = await import('mongodb')
      await using client = new MongoClient(url)
      await client.db(name).dropDatabase()
    },
  }
}

const given = (value: string | undefined): string | undefined => value || undefined

/** The servers to measure on. Throws `ProgramMissing`. */
export const findServers = (env: Env): BenchPrograms => {
  const mongoUrl = given(env.PABAL_TEST_MONGODB_URL)
  const natsUrl = given(env.PABAL_TEST_NATS_URL)
  const eventStoreUrl = given(env.PABAL_TEST_EVENTSTOREDB_URL)
  const database = mongoUrl === undefined ? undefined : ownDatabase(mongoUrl)
  const programs = findPrograms(env, {
    ...(natsUrl !== undefined && { natsServer: natsUrl }),
    ...(database && { mongodbServer: database.url }),
    ...(eventStoreUrl !== undefined && { eventStore: eventStoreUrl }),
  })
  const shown = [
    programs.eventStore === undefined ? 'EventStoreDB played by a double' : 'EventStoreDB',
    natsUrl === undefined ? 'nats-server' : 'NATS (given)',
    database ? 'MongoDB (given)' : (programs.mongodbServer ?? serverProgram()!.name),
  ].join(', ')
  return { ...programs, shown, [Symbol.asyncDispose]: async () => database?.drop() }
}

/** Whether all that is on disk lies in the cluster's own directory. */
export const hasOwnServers = ({ servers }: Cluster): boolean =>
  Object.values(servers).every((server) => server.pid !== undefined)
