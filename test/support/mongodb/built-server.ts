import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where `build.ts` puts what it fetches and compiles. */
export const buildFolder = fileURLToPath(
  new URL('../../../node_modules/.cache/pabal-mongodb/', import.meta.url),
)
export const sourceFolder = fileURLToPath(new URL('java/', import.meta.url))
export const jarFolder = join(buildFolder, 'jars')
export const classFolder = join(buildFolder, 'classes')

export interface ServerProgram {
  readonly name: string
  /** Its command line for a data directory and a port on loopback. */
  command(directory: string, port: number): readonly [program: string, ...args: string[]]
}

const mongod = (program: string): ServerProgram => ({
  name: program,
  command: (directory, port) => [
    program,
    ...['--dbpath', directory, '--port', String(port), '--bind_ip', '127.0.0.1'],
  ],
})

/** Ours comes first on the class path: see ValueComparator.java. */
const speaker: ServerProgram = {
  name: 'mongo-java-server',
  command: (directory, port) => [
    'java',
    ...['-XX:+UseSerialGC', '-Xmx768m', '-cp', [classFolder, join(jarFolder, '*')].join(delimiter)],
    ...['Speaker', directory, String(port)],
  ],
}

/** `PABAL_TEST_MONGODB_SERVER` (a mongod), else what `node test/support/mongodb/build.ts` made, else none. */
export const serverProgram = (): ServerProgram | undefined => {
  const given = process.env.PABAL_TEST_MONGODB_SERVER
  if (given !== undefined && given !== '') return mongod(given)
  return existsSync(join(classFolder, 'Speaker.class')) ? speaker : undefined
}
