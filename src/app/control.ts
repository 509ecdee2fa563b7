import { existsSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { Refusal } from '#domain/recorded-fact.ts'
import type { Clock } from '#ports/clock.ts'
import { StartRefused, Unavailable } from '#ports/errors.ts'
import type { Log } from '#ports/log.ts'
import type { OperatorOrders } from './operations.ts'

/** An order's failure as it crosses the socket. */
interface Failure {
  readonly code: string
  readonly message: string
}

const failureOf = (error: unknown): Failure => {
  const known =
    error instanceof Refusal || error instanceof StartRefused || error instanceof Unavailable
  if (known) return { code: error.code, message: error.message }
  return { code: 'internal', message: String(error) }
}

/** A socket's path and its end have to fit into `sun_path`: 108 bytes on Linux, 104 on macOS and the BSDs. */
const pathBytesMax = process.platform === 'linux' ? 107 : 103

/** What keeps a service from being given orders there; to be asked before anything is opened. */
export const refusalOfControlPath = (path: string): StartRefused | undefined => {
  const bytes = Buffer.byteLength(path)
  if (bytes <= pathBytesMax) return undefined
  return new StartRefused(
    'data-dir/path-too-long',
    `The path ${path} has ${bytes} bytes, and a socket may have ${pathBytesMax}. Name a directory with a shorter path in PABAL_DATA_DIR, relative to where the service starts if need be.`,
  )
}

/** Takes orders on a socket that only this user may open (0600, in a directory of 0700). */
export const startControl = async (
  path: string,
  orders: OperatorOrders,
  log: Log,
): Promise<AsyncDisposable> => {
  if (existsSync(path)) rmSync(path)
  const server = createServer(async (incoming, outgoing) => {
    const answer = (status: number, body: object) =>
      outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    try {
      // Some orders take long; that they were taken is said at once.
      outgoing.writeProcessing()
      const order = orders[decodeURIComponent(incoming.url!.slice(1))]
      if (!order)
        return answer(404, { code: 'control/unknown', message: 'There is no such order.' })
      answer(200, await order(JSON.parse((await text(incoming)) || '{}')))
    } catch (error) {
      log.warn('An order from the command line failed.', { error: error as Error })
      answer(400, failureOf(error))
    }
  })
  const mask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  } finally {
    process.umask(mask)
  }
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A service that works says within this time that it took an order, however long that then takes. */
const takenWithinMs = 5_000

const noAnswer = (path: string): StartRefused =>
  new StartRefused(
    'control/no-answer',
    `A service holds ${path} and did not take the order within ${takenWithinMs / 1_000} s. It may hang or be stopped; should it go on, it may still carry the order out.`,
  )

/**
 * Gives an order to the running service; `undefined`: none runs here. Throws what the order threw, and
 * `StartRefused` (`control/no-answer`) for a service that does not react.
 */
export const askControl = async (
  path: string,
  order: { readonly name: string; readonly args: object },
  clock: Pick<Clock, 'sleep'>,
): Promise<object | undefined> => {
  // No service can be there, and the system would only say that the argument is wrong.
  if (refusalOfControlPath(path)) return undefined
  const { promise, resolve, reject } = Promise.withResolvers<object | undefined>()
  const taken = new AbortController()
  const asking = request(
    { socketPath: path, path: `/${order.name}`, method: 'POST' },
    async (incoming) => {
      taken.abort()
      const body = JSON.parse(await text(incoming))
      if (incoming.statusCode === 200) return resolve(body)
      reject(new StartRefused(body.code, body.message))
    },
  )
  asking.once('information', () => taken.abort())
  asking.once('error', (error: NodeJS.ErrnoException) => {
    // No socket, or one that a killed process left behind.
    if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
    else reject(error)
  })
  asking.end(JSON.stringify(order.args))
  void clock.sleep(takenWithinMs, taken.signal).then(() => {
    if (!taken.signal.aborted) asking.destroy(noAnswer(path))
  })
  return promise.finally(() => taken.abort())
}
