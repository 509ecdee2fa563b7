import { createServer } from 'node:http'
import type { ReceiptRequest } from '#ports/channel.ts'

export interface Recorded {
  readonly path: string
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

export interface Recorder extends AsyncDisposable {
  readonly url: string
  readonly requests: readonly Recorded[]
}

/** Keeps what it is sent and answers everything the same. */
export const startRecorder = async (
  status: number,
  answer: string,
  headers: Record<string, string> = {},
): Promise<Recorder> => {
  const requests: Recorded[] = []
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      requests.push({ path: incoming.url ?? '', headers: incoming.headers, body })
      response.writeHead(status, headers).end(answer)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export const asReceipt = ({ path, headers, body }: Recorded): ReceiptRequest => ({
  url: path,
  headers: headers as ReceiptRequest['headers'],
  body: Buffer.from(body),
  now: Date.now(),
})
