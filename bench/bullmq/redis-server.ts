import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { Redis } from 'ioredis'

export const hasRedisServer = (): boolean =>
  spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0

const freePort = async (): Promise<number> => {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise((resolve) => probe.close(resolve))
  return port
}

export interface RedisServer extends AsyncDisposable {
  readonly port: number
}

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
}

/** A Redis of our own that writes every change to its disk before it answers, as our log does. */
export const startRedis = async (dir: string): Promise<RedisServer> => {
  mkdirSync(dir, { recursive: true })
  const port = await freePort()
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '']
  const place = ['--dir', dir, '--port', String(port), '--bind', '127.0.0.1']
  const child = spawn('redis-server', [...place, ...durable], { stdio: 'ignore' })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 50 })
  // Refused until it listens.
  client.on('error', () => {})
  await client.ping()
  client.disconnect()
  return { port, [Symbol.asyncDispose]: () => end(child) }
}
