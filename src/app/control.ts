import { existsSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { Refusal } from '#domain/recorded-fact.ts'
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

/** Gives an order to the running service; `undefined`: none runs here. Throws what the order threw. */
export const askControl = async (
  path: string,
  order: string,
  args: object,
): Promise<object | undefined> => {
  const { promise, resolve, reject } = Promise.withResolvers<object | undefined>()
  const asking = request(
    { socketPath: path, path: `/${order}`, method: 'POST' },
    async (incoming) => {
      const body = JSON.parse(await text(incoming))
      if (incoming.statusCode === 200) return resolve(body)
      reject(new StartRefused(body.code, body.message))
    },
  )
  asking.once('error', (error: NodeJS.ErrnoException) => {
    // No socket, or one that a killed process left behind.
    if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
    else reject(error)
  })
  asking.end(JSON.stringify(args))
  return promise
}
