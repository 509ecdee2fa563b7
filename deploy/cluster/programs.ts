import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { serverProgram } from '../../test/support/mongodb/built-server.ts'

/** Where the servers' programs are. */
export interface Programs {
  /** A program of NATS, or the address of one that runs. */
  readonly natsServer: string
  /** A mongod, or the address of one that runs; absent: the program that the suites use. */
  readonly mongodbServer?: string
  /** A program of EventStoreDB or KurrentDB, or the address of one that runs; absent: the double. */
  readonly eventStore?: string
}

/** A cluster needs a program that is not on this machine; the message says how to name or make it. */
export class ProgramMissing extends Error {
  override readonly name = 'ProgramMissing'
}

/** Ends a command that could not be tried for want of a program: neither good nor wrong, as Automake has it. */
export const skippedExitCode = 77

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

/** Where one of these programs is, if this machine has it. */
export const findProgram = (names: readonly string[], path: string): string | undefined =>
  [...path.split(delimiter), ...moreFolders]
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find(isProgram)

type Env = Readonly<Record<string, string | undefined>>

/**
 * By option, else by the setting that tests use too, else where programs usually are. Throws `ProgramMissing`. The address
 * of an event store for tests is not looked for: a cluster wants a log of its own, and may kill what keeps it.
 */
export const findPrograms = (env: Env, given: Partial<Programs> = {}): Programs => {
  const path = env.PATH ?? ''
  const natsServer =
    given.natsServer ?? (env.PABAL_TEST_NATS_SERVER || findProgram(['nats-server'], path))
  const mongodbServer =
    given.mongodbServer ?? (env.PABAL_TEST_MONGODB_SERVER || findProgram(['mongod'], path))
  const eventStore = given.eventStore ?? findProgram(['eventstored', 'kurrentd'], path)
  if (natsServer === undefined) {
    throw new ProgramMissing(
      'There is no nats-server here: install it, or name it by PABAL_TEST_NATS_SERVER.',
    )
  }
  if (mongodbServer === undefined && serverProgram() === undefined) {
    throw new ProgramMissing(
      'There is no MongoDB here: name a mongod by PABAL_TEST_MONGODB_SERVER, or run node test/support/mongodb/build.ts.',
    )
  }
  return {
    natsServer,
    ...(mongodbServer !== undefined && { mongodbServer }),
    ...(eventStore !== undefined && { eventStore }),
  }
}
