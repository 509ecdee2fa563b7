import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { buildConnector } from 'undici'

interface ConnectorOptions {
  readonly ca: string | undefined
  readonly http2: boolean
  readonly connectTimeoutMs: number
  readonly pingIntervalMs: number
}

const silentSweepsMax = 2

/**
 * Opens connections and watches those of HTTP/2. undici asks each for a PING but waits for no answer: a
 * connection that a firewall dropped without a word would swallow every send until TCP gives up, after 15
 * minutes. Here two intervals without a byte end it.
 */
export const createConnector = (
  options: ConnectorOptions,
): Disposable & {
  readonly connect: buildConnector.connector
} => {
  const { ca, http2, connectTimeoutMs, pingIntervalMs } = options
  const open = buildConnector({
    allowH2: http2,
    preferH2: http2,
    timeout: connectTimeoutMs,
    ...(ca === undefined ? {} : { ca }),
  })
  const watched = new Map<Socket, { bytes: number; silent: number }>()

  const sweep = () => {
    for (const [socket, seen] of watched) {
      if (socket.bytesRead !== seen.bytes) {
        seen.bytes = socket.bytesRead
        seen.silent = 0
      } else if (++seen.silent >= silentSweepsMax) {
        socket.destroy(new Error('The connection answers no PING.'))
      }
    }
  }
  // Longer than undici's interval, so that each sweep has seen at least one PING.
  const timer = setInterval(sweep, pingIntervalMs * 1.25).unref()

  const watch = (socket: Socket) => {
    watched.set(socket, { bytes: socket.bytesRead, silent: 0 })
    socket.once('close', () => watched.delete(socket))
  }

  return {
    connect: (target, callback) =>
      open(target, (...opened) => {
        const [, socket] = opened
        if (socket instanceof TLSSocket && socket.alpnProtocol === 'h2') watch(socket)
        callback(...opened)
      }),
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
