import type { Writable } from 'node:stream'
import type { BehavedAnswer } from './answers.ts'
import type { Exchange, Reply } from './exchange.ts'

const dripEveryMs = 1_000
const dripBytesMax = 600
const hugeBytes = 200 * 1_024 * 1_024
const hugeChunk = Buffer.alloc(64 * 1_024, ' ')
const nonsense = '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>'

/** The status line on the wire, for the ledger. */
export const statusOf = ({ behave, taken }: BehavedAnswer, successStatus: number): number => {
  switch (behave) {
    case 'silent':
    case 'reset':
    case 'hangup':
      return 0
    case 'goaway':
      return taken ? successStatus : 0
    case 'cut':
    case 'drip':
    case 'huge':
    case 'nonsense':
      return successStatus
  }
}

/** Does to the answer what the provider would never admit to. `success` is what it would have been. */
export const misbehave = (answer: BehavedAnswer, exchange: Exchange, success: Reply): void => {
  const { status, headers } = success
  switch (answer.behave) {
    case 'silent':
      break
    case 'reset':
      exchange.reset(answer.taken)
      break
    case 'hangup':
      exchange.hangup()
      break
    case 'goaway':
      exchange.goaway(answer.taken ? success : undefined)
      break
    case 'nonsense':
      exchange.send({ status, headers: { 'content-type': 'text/html' }, body: nonsense })
      break
    case 'cut':
      cut(exchange, success)
      break
    case 'drip':
      drip(exchange.open(status, headers), success.body)
      break
    case 'huge':
      pour(exchange.open(status, headers))
      break
  }
}

/** Promises more than it sends, and ends without saying so. */
const cut = (exchange: Exchange, { status, headers, body }: Reply): void => {
  const length = String(Buffer.byteLength(body) + 64)
  const out = exchange.open(status, { ...headers, 'content-length': length })
  const part = body === '' ? '{' : body.slice(0, Math.ceil(body.length / 2))
  out.write(part, () => exchange.abandon())
}

const drip = (out: Writable, body: string): void => {
  let left = dripBytesMax
  const timer = setInterval(() => {
    left -= 1
    if (left > 0) out.write(' ')
    else out.end(body)
  }, dripEveryMs).unref()
  out.once('close', () => clearInterval(timer))
}

const pour = (out: Writable): void => {
  let left = hugeBytes
  const more = () => {
    while (left > 0 && !out.destroyed) {
      left -= hugeChunk.length
      if (!out.write(hugeChunk)) {
        out.once('drain', more)
        return
      }
    }
    if (!out.destroyed) out.end()
  }
  more()
}
