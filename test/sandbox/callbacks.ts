import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Callback {
  path: string
  headers: IncomingHttpHeaders
  body: string
}

export interface CallbackServer extends AsyncDisposable {
  url: string
  port: number
  received: Callback[]
  /** What the next requests are answered with; then 204. */
  answers: number[]
}

/** Stands where the service would receive its receipts. */
export const listenForCallbacks = async (port = 0): Promise<CallbackServer> => {
  const received: Callback[] = []
  const answers: number[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body })
      response.writeHead(answers.shift() ?? 204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${bound}/callbacks`,
    port: bound,
    received,
    answers,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
