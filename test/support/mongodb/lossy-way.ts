import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way to a MongoDB server that loses answers. */
export interface LossyWay extends AsyncDisposable {
  readonly url: string
  /** The next commands of this name reach the server, and the connection breaks before their answer. */
  loseAnswers(command: string, times: number): void
  /** Commands that were sent over it, by name. */
  sent(command: string): number
}

/** The name is the first key of the body, after header (16), flags (4), kind (1), length (4), type (1). */
const commandOf = (message: Buffer): string => {
  const from = 26
  const isOpMsg = message.readInt32LE(12) === 2013
  return isOpMsg ? message.toString('latin1', from, message.indexOf(0, from)) : ''
}

/** Whole messages out of pieces; each begins with its length. */
const createSplitter = (): ((piece: Buffer) => readonly Buffer[]) => {
  let rest: Buffer = Buffer.alloc(0)
  return (piece) => {
    rest = Buffer.concat([rest, piece])
    const messages: Buffer[] = []
    while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
      const length = rest.readInt32LE(0)
      messages.push(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
    return messages
  }
}

export const openLossyWay = async (target: string): Promise<LossyWay> => {
  const { hostname, port } = new URL(target)
  const toLose = new Map<string, number>()
  const counts = new Map<string, number>()
  const sockets = new Set<Socket>()

  const server = createServer((client) => {
    const upstream = connect(Number(port) || 27_017, hostname)
    const split = createSplitter()
    let breaks = false
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end).on('close', end)
      socket.on('close', () => sockets.delete(socket))
    }
    client.on('data', (piece) => {
      for (const message of split(piece)) {
        const command = commandOf(message)
        counts.set(command, (counts.get(command) ?? 0) + 1)
        const left = toLose.get(command) ?? 0
        if (left > 0) {
          toLose.set(command, left - 1)
          breaks = true
        }
        upstream.write(message)
      }
    })
    // An answer shows that the server did it.
    upstream.on('data', (answer) => (breaks ? end() : void client.write(answer)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('There is no port.')
  const way = new URL(target)
  way.host = `127.0.0.1:${address.port}`
  // Else the driver asks a member of a replica set where it is, and goes there by itself.
  way.searchParams.delete('replicaSet')
  way.searchParams.set('directConnection', 'true')
  return {
    url: way.href,
    loseAnswers: (command, times) => void toLose.set(command, times),
    sent: (command) => counts.get(command) ?? 0,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
