import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { foreignServer, isAddress } from './foreign.ts'
import { createProgram } from './program.ts'
import type { Server, ServerNeeds } from './servers.ts'

/** Older servers do not know the setting and refuse to start with it. */
const knowsSyncAlways = (program: string): boolean => {
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' })
  const [, major = '0', minor = '0'] = /v(\d+)\.(\d+)/.exec(version) ?? []
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 10)
}

const configuration = (port: number, store: string, syncAlways: boolean): string =>
  `host: 127.0.0.1
port: ${port}
server_name: pabal
jetstream {
  store_dir: ${JSON.stringify(store)}
${syncAlways ? '  sync_interval: always\n' : ''}}
`

/** NATS greets whoever connects; before that its JetStream is ready. */
const greets = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(1_000, () => socket.destroy(new Error('No greeting.')))
    socket.once('error', reject)
    socket.once('data', () => {
      socket.destroy()
      resolve()
    })
  })

/** `program`: of a server, or the address of one that runs. */
export const natsServer = (program: string, needs: ServerNeeds): Server => {
  if (isAddress(program)) return foreignServer('nats', program)
  const { port, directory, onDeath } = needs
  const store = join(directory, 'store')
  const file = join(directory, 'nats.conf')
  mkdirSync(store, { recursive: true })
  writeFileSync(file, configuration(port, store, knowsSyncAlways(program)))
  const server = createProgram({
    name: 'nats',
    logFile: join(directory, 'nats.log'),
    launch: { command: program, args: ['-c', file], env: {} },
    ready: () => greets(port),
    ...(onDeath && { onDeath }),
  })
  return Object.assign(server, {
    url: `nats://127.0.0.1:${port}`,
    wipe: () => rmSync(store, { recursive: true, force: true }),
  })
}
