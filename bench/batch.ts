import { Readable } from 'node:stream'
import { request } from 'undici'
import { requestOf, type Workload } from './workload.ts'

const linesPerPiece = 500

/** The lines `from` to `to` - 1, in pieces as large as a socket likes. */
function* pieces(workload: Workload, from: number, to: number): Generator<string> {
  for (let start = from; start < to; start += linesPerPiece) {
    let piece = ''
    for (let number = start; number < Math.min(to, start + linesPerPiece); number += 1) {
      piece += `${requestOf(workload, number)}\n`
    }
    yield piece
  }
}

/** Sends the lines `from` to `to` - 1 in one batch; throws unless each of them was accepted. */
export const sendBatch = async (
  service: { readonly url: string; readonly key: string },
  workload: Workload,
  from: number,
  to: number,
): Promise<void> => {
  const { statusCode, body } = await request(`${service.url}/v1/notifications/batch`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${service.key}`,
      'content-type': 'application/x-ndjson',
    },
    body: Readable.from(pieces(workload, from, to)),
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  let accepted = 0
  let rest = ''
  for await (const chunk of body.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.includes('"status":202,')) throw new Error(`A line was answered: ${line}`)
      accepted += 1
    }
  }
  if (statusCode !== 200 || accepted !== to - from) {
    throw new Error(`A batch of ${to - from} was answered ${statusCode}, ${accepted} accepted.`)
  }
}
