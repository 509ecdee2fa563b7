import { randomUUID } from 'node:crypto'
import { MongoClient } from 'mongodb'
import { serverProgram } from './built-server.ts'
import { type MongoServer, startMongoServer } from './mongo-server.ts'
import { withDatabase } from './with-database.ts'

const givenUrl = process.env.PABAL_TEST_MONGODB_URL

/** Whether a server can be had at all: one that is given, or one that can be started. */
export const mongoAvailable = (givenUrl ?? '') !== '' || serverProgram() !== undefined
/** Whether one can be started, and so be stopped and killed. */
export const mongoStartable = serverProgram() !== undefined
export const noMongo = '(no MongoDB-speaking server here: node test/support/mongodb/build.ts)'

/** One server for all tests of a file: the one that is given, or one of its own. */
export interface TestMongo extends AsyncDisposable {
  /** The address of a database that no other test has; all of them are dropped in the end. */
  database(): string
}

export const openTestMongo = async (): Promise<TestMongo> => {
  const isGiven = givenUrl !== undefined && givenUrl !== ''
  const server: MongoServer | undefined = isGiven ? undefined : await startMongoServer()
  const url = server?.url ?? givenUrl!
  const names: string[] = []
  return {
    database() {
      const name = `pabal-test-${randomUUID()}`
      names.push(name)
      return withDatabase(url, name)
    },
    async [Symbol.asyncDispose]() {
      if (server) return server[Symbol.asyncDispose]()
      await using client = new MongoClient(url)
      for (const name of names) await client.db(name).dropDatabase()
    },
  }
}
