/**
 * `not-sent` is certain knowledge: nothing of the request reached a server that acts on it. Everything else that
 * is no whole answer is `maybe-sent`.
 */
export interface WireFailure {
  readonly failure: 'not-sent' | 'maybe-sent'
  readonly code: string
}

const once = (failure: WireFailure['failure'], code: string): WireFailure => ({ failure, code })

export const failures = {
  connectRefused: once('not-sent', 'connect-refused'),
  connectTimeout: once('not-sent', 'connect-timeout'),
  connectFailed: once('not-sent', 'connect-failed'),
  dns: once('not-sent', 'dns'),
  tls: once('not-sent', 'tls'),
  noConnection: once('not-sent', 'no-connection'),
  closed: once('not-sent', 'closed'),
  lateToSend: once('not-sent', 'deadline-before-sending'),
  withheld: once('not-sent', 'withheld'),
  unsendable: once('not-sent', 'unsendable'),
  streamRefused: once('not-sent', 'stream-refused'),
  deadline: once('maybe-sent', 'deadline'),
  connectionLost: once('maybe-sent', 'connection-lost'),
  streamReset: once('maybe-sent', 'stream-reset'),
  answerCut: once('maybe-sent', 'answer-cut'),
  answerTooLarge: once('maybe-sent', 'answer-too-large'),
  answerNonsense: once('maybe-sent', 'answer-nonsense'),
} as const

interface ForeignError {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly http2ErrorCode?: unknown
}

const refusedStream = 7

const tlsCodes =
  /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|CRL_)/

const beforeSending = (code: string): WireFailure => {
  switch (code) {
    case 'ECONNREFUSED':
      return failures.connectRefused
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return failures.dns
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return failures.connectTimeout
    case 'UND_ERR_CLOSED':
    case 'UND_ERR_DESTROYED':
      return failures.closed
    case 'UND_ERR_INVALID_ARG':
      return failures.unsendable
    default:
      return tlsCodes.test(code) ? failures.tls : failures.connectFailed
  }
}

/**
 * RFC 9113, 8.7: a stream that was refused, or is above the last one of a GOAWAY, was not processed. undici has
 * tried it once more by then. The code alone is no proof: a GOAWAY may carry it, and ends accepted streams with it.
 */
const isRefused = ({ code, message, http2ErrorCode }: ForeignError): boolean =>
  (code === 'ERR_HTTP2_STREAM_ERROR' && http2ErrorCode === refusedStream) ||
  (typeof message === 'string' && message.startsWith('HTTP/2: "GOAWAY" frame received'))

const afterSending = (code: string, name: unknown, answering: boolean): WireFailure => {
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return failures.answerTooLarge
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return failures.answerTooLarge
  if (name === 'HTTPParserError') return failures.answerNonsense
  if (answering) return failures.answerCut
  return code === 'ERR_HTTP2_STREAM_ERROR' ? failures.streamReset : failures.connectionLost
}

/** `begun`: the request was handed to a connection. `answering`: the head of an answer has come. */
export const classify = (error: unknown, begun: boolean, answering: boolean): WireFailure => {
  const foreign: ForeignError = typeof error === 'object' && error !== null ? error : {}
  const code = typeof foreign.code === 'string' ? foreign.code : ''
  if (!begun) return beforeSending(code)
  if (!answering && isRefused(foreign)) return failures.streamRefused
  return afterSending(code, foreign.name, answering)
}
