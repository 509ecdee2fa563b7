import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where the servers' programs are. */
export interface Programs {
  readonly natsServer: string
  /** mongod, or a program that speaks MongoDB's protocol: FerretDB. */
  readonly mongodbServer: string
  /** A program of EventStoreDB or KurrentDB, or the address of one that runs; absent: the double. */
  readonly eventStore?: string
}

/** Debian keeps servers where an ordinary user does not look. */
const moreFolders = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin']

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const find = (names: readonly string[], path: string): string | undefined =>
  [...path.split(delimiter), ...moreFolders]
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find(isProgram)

type Env = Readonly<Record<string, string | undefined>>

/** By option, else by the setting that tests use too, else where programs usually are. Throws with what is missing. */
export const findPrograms = (env: Env, given: Partial<Programs> = {}): Programs => {
  const path = env.PATH ?? ''
  const natsServer = given.natsServer ?? env.PABAL_TEST_NATS_SERVER ?? find(['nats-server'], path)
  const mongodbServer =
    given.mongodbServer ?? env.PABAL_TEST_MONGODB_SERVER ?? find(['mongod', 'ferretdb'], path)
  const eventStore =
    given.eventStore ?? env.PABAL_TEST_EVENTSTOREDB_URL ?? find(['eventstored', 'kurrentd'], path)
  const missing = [
    ...(natsServer === undefined ? ['nats-server (--nats-server or PABAL_TEST_NATS_SERVER)'] : []),
    ...(mongodbServer === undefined
      ? ['mongod or ferretdb (--mongodb-server or PABAL_TEST_MONGODB_SERVER)']
      : []),
  ]
  if (natsServer === undefined || mongodbServer === undefined) {
    throw new Error(`These programs are not here: ${missing.join(', ')}.`)
  }
  return { natsServer, mongodbServer, ...(eventStore !== undefined && { eventStore }) }
}
