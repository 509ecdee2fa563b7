import { type buildConnector, Pool } from 'undici'
import { createConnector } from './connector.ts'
import { Exchange, type OpenCount, type WireRequest, type WireResult } from './exchange.ts'
import { failures } from './failure.ts'

export interface WireOptions {
  /** The provider, or what stands in front of it; may have a path. */
  readonly url: string
  /** PEM; absent: the public authorities. */
  readonly ca?: string | undefined
  /** Of HTTP/2 each carries many requests, of HTTP/1.1 one at a time. */
  readonly connections: number
  readonly http2: boolean
  readonly connectTimeoutMs?: number
  readonly pingIntervalMs?: number
}

/** One wire request per call: no redirects, no retries but of streams that the server disowned. */
export interface Wire extends AsyncDisposable {
  /** Never rejects, and settles as soon as the signal fires, whatever the socket does. */
  request(request: WireRequest): Promise<WireResult>
}

const bodyBytesMax = 65_536
const streamsMax = 1_000
const idleMs = { http2: 600_000, http1: 4_000 }
const drainMs = 5_000
/** undici has no way to take a request back that waits for a connection: so they must not become too many. */
const abandonedMax = 1_000

const createPool = (options: WireOptions, connect: buildConnector.connector): Pool =>
  new Pool(new URL(options.url).origin, {
    connections: options.connections,
    connect,
    allowH2: options.http2,
    h2Options: {
      maxConcurrentStreams: streamsMax,
      pingInterval: options.pingIntervalMs ?? 8_000,
    },
    // The deadline is the signal's business; a connection that died is the connector's.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: options.http2 ? idleMs.http2 : idleMs.http1,
    maxResponseSize: bodyBytesMax,
  })

export const openWire = (options: WireOptions): Wire => {
  const connector = createConnector({
    ca: options.ca,
    http2: options.http2,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    pingIntervalMs: options.pingIntervalMs ?? 8_000,
  })
  const pool = createPool(options, connector.connect)
  const base = new URL(options.url).pathname.replace(/\/+$/, '')

  const count: OpenCount = { open: 0, abandoned: 0, whenNone: undefined }
  let closing = false

  /** undici's own `close` would wait for a connection that never comes, though nobody waits for what it is to carry. */
  const drained = () =>
    new Promise<void>((resolve) => {
      if (count.open === 0) return resolve()
      const timer = setTimeout(resolve, drainMs)
      count.whenNone = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  return {
    request: (request) => {
      if (closing) return Promise.resolve(failures.closed)
      if (request.signal.aborted) return Promise.resolve(failures.lateToSend)
      if (count.abandoned >= abandonedMax) return Promise.resolve(failures.noConnection)
      return new Promise((resolve) => {
        const { method, headers, body } = request
        pool.dispatch(
          { method, path: base === '' ? request.path : base + request.path, headers, body },
          new Exchange(request, count, resolve),
        )
      })
    },
    [Symbol.asyncDispose]: async () => {
      closing = true
      await drained()
      await pool.destroy()
      connector[Symbol.dispose]()
    },
  }
}
