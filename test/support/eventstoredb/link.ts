import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Link extends AsyncDisposable {
  readonly port: number
  /** Nothing passes in either direction, and nobody is told. */
  freeze(): void
  thaw(): void
  cut(): void
}

/** A wire to a port on this machine, to be frozen and cut. */
export const openLink = async (target: number): Promise<Link> => {
  const sockets = new Set<Socket>()
  let frozen = false
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (data) => to.write(data))
      from.on('end', () => to.end())
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      if (frozen) from.pause()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    freeze() {
      frozen = true
      for (const socket of sockets) socket.pause()
    },
    thaw() {
      frozen = false
      for (const socket of sockets) socket.resume()
    },
    cut,
    [Symbol.asyncDispose]: async () => {
      server.close()
      cut()
    },
  }
}
