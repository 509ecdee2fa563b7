import { freePort, type NatsServer, startNatsServer } from './nats-server.ts'

export interface NatsCluster extends AsyncDisposable {
  readonly servers: readonly NatsServer[]
  /** The addresses of all. */
  readonly url: string
}

/** Three real servers that find one another by routes on loopback. */
export const startNatsCluster = async (): Promise<NatsCluster> => {
  await using starting = new AsyncDisposableStack()
  const ports = await Promise.all([freePort(), freePort(), freePort()])
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(', ')
  const configs = ports.map(
    (port, at) => `
      server_name: n${at}
      cluster { name: pabal-test, listen: "127.0.0.1:${port}", routes: [ ${routes} ] }`,
  )
  const servers = await Promise.all(
    configs.map(async (config) => starting.use(await startNatsServer({ config }))),
  )
  const started = starting.move()
  return {
    servers,
    url: servers.map(({ url }) => url).join(','),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}
