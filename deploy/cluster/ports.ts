import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

/** Nobody else has it at this moment. */
export const freePort = async (): Promise<number> => {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/**
 * The same ports each time for the same directory: a replica set of MongoDB is found at the address it was made
 * with, and messages under way name the address for their receipts.
 */
export const keptPorts = async (
  directory: string,
  names: readonly string[],
): Promise<(name: string) => number> => {
  const file = join(directory, 'ports.json')
  const kept: Record<string, number> = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : {}
  for (const name of names) {
    let port = kept[name]
    while (port === undefined || (kept[name] === undefined && Object.values(kept).includes(port))) {
      port = await freePort()
    }
    kept[name] = port
  }
  writeFileSync(file, `${JSON.stringify(kept)}\n`)
  return (name) => kept[name]!
}
