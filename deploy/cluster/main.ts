import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { findPrograms, type Programs } from './programs.ts'
import { type Cluster, startCluster } from './start-cluster.ts'

const usage = `Usage: npm run cluster -- [options]

  --directory DIR         keep everything there, and go on with it the next time (default: a temporary one)
  --nats-server FILE      program of NATS, 2.9 or newer
  --mongodb-server FILE   mongod; without one, the program that node test/support/mongodb/build.ts makes
  --eventstore WHAT       program of EventStoreDB, or the address of one that runs (esdb://…). Without one it is
                          played by a program of this repository: good enough to try out, not to keep data
  --json                  one line of JSON when all is up
  --help
`

const options = {
  directory: { type: 'string' },
  'nats-server': { type: 'string' },
  'mongodb-server': { type: 'string' },
  eventstore: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

/** A temporary directory goes with this process, also when that is ended in a hurry. */
const directoryOf = (given: string | undefined): string => {
  if (given !== undefined) {
    const directory = resolve(given)
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    return directory
  }
  const directory = mkdtempSync(join(tmpdir(), 'pabal-cluster-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const played = { server: '', foreign: ' (not ours)', double: ' (played by a double)' } as const

const greeting = (cluster: Cluster, directory: string): string => {
  const { servers, processes, sandbox, settings, firstKey } = cluster
  const { eventStore, nats, mongodb } = servers
  const key = firstKey ?? '$KEY'
  const url = processes[0]!.url
  const pid = (each: { readonly pid: number | undefined }) => (each.pid ? `pid ${each.pid}` : '')
  const rows = [
    ['EventStoreDB', eventStore.url, `${pid(eventStore)}${played[eventStore.kind]}`],
    ['NATS', nats.url, pid(nats)],
    ['MongoDB', mongodb.url, pid(mongodb)],
    ['sandbox', sandbox.controlUrl, pid(sandbox)],
    ...processes.map((each) => [each.name, each.url, `${pid(each)}  ${each.roles}`]),
  ]
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  const table = rows.map(
    ([name, address, rest]) =>
      `  ${name!.padEnd(widths[0]!)}  ${address!.padEnd(widths[1]!)}  ${rest}`,
  )
  const variables = Object.entries(settings)
    .filter(([name]) => /_URL$|_SECRET$/.test(name) && name !== 'PABAL_SANDBOX_URL')
    .map(([name, value]) => `  export ${name}='${value}'`)
  return `A cluster on this machine; its data and logs are in ${directory}. Ctrl-C ends it.

${table.join('\n')}

${firstKey === undefined ? 'The app "default" has its keys already.' : `First key of the app "default", shown only now:\n  ${firstKey}`}

Tell somebody something:
  curl -s ${url}/v1/notifications -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\
    -d '{"eventId":"hello-1","to":{"email":"you@example.org"},"content":{"subject":"Hello","body":"From Pabal."}}'

For ./pabal doctor, keys, parked, projections and audit on this cluster:
${variables.join('\n')}
`
}

const jsonLine = ({ servers, processes, sandbox, settings, firstKey }: Cluster): string =>
  JSON.stringify({
    servers: Object.values(servers).map(({ name, url, pid }) => ({ name, url, pid })),
    processes: processes.map(({ name, roles, url, pid }) => ({ name, roles, url, pid })),
    sandbox: { url: sandbox.controlUrl, pid: sandbox.pid },
    ...{ settings, firstKey },
  })

const run = async (args: string[]): Promise<number> => {
  const { values } = parseArgs({ args, options })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const given: Partial<Programs> = {
    ...(values['nats-server'] !== undefined && { natsServer: values['nats-server'] }),
    ...(values['mongodb-server'] !== undefined && { mongodbServer: values['mongodb-server'] }),
    ...(values.eventstore !== undefined && { eventStore: values.eventstore }),
  }
  const programs = findPrograms(process.env, given)
  const directory = directoryOf(values.directory)
  // Listened to before anything is started: whoever is impatient still ends everything.
  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  const { promise: died, resolve: die } = Promise.withResolvers<string>()
  await using cluster = await startCluster({ directory, programs, onDeath: die })
  process.stdout.write(values.json ? `${jsonLine(cluster)}\n` : greeting(cluster, directory))
  const name = await Promise.race([died, stopped.then(() => undefined)])
  if (name === undefined) return 0
  process.stderr.write(`${name} ended by itself; its log is in ${directory}.\n`)
  return 1
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
