import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants, type Http2Session, type ServerHttp2Stream } from 'node:http2'
import type { Readable, Writable } from 'node:stream'
import { TLSSocket } from 'node:tls'

export interface Reply {
  status: number
  headers: Record<string, string>
  body: string
}

/** One request and the ways to answer it, well or badly, whatever version of HTTP it came by. */
export interface Exchange {
  send(reply: Reply): void
  /** Sends the head only; the caller writes the body and ends it, or does not. */
  open(status: number, headers: Record<string, string>): Writable
  /** Ends this request without an answer. */
  reset(taken: boolean): void
  /** Ends an answer that was begun, in the middle. */
  abandon(): void
  /** Ends the connection and all that is on it. */
  hangup(): void
  /** Says that the connection ends; with a reply if the request was taken. */
  goaway(reply: Reply | undefined): void
}

/** A client that goes away in the middle is everyday life here. */
export const ignoreErrors = (emitter: { on(event: 'error', listener: () => void): unknown }) =>
  emitter.on('error', () => {})

interface SessionBook {
  handledMax: number
  /** Streams above it were disowned by a GOAWAY, so the client sends them again elsewhere. */
  limit: number
}
const books = new WeakMap<Http2Session, SessionBook>()

const bookOf = (session: Http2Session): SessionBook => {
  const known = books.get(session)
  if (known !== undefined) return known
  const book = { handledMax: 0, limit: Number.POSITIVE_INFINITY }
  books.set(session, book)
  return book
}

export class StreamExchange implements Exchange {
  readonly #stream: ServerHttp2Stream

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream
  }

  /** False if a GOAWAY told the client that this one is not handled: then it must not be. */
  claim(): boolean {
    const session = this.#stream.session
    if (session === undefined) return false
    const book = bookOf(session)
    const id = this.#stream.id ?? 0
    if (id > book.limit) return false
    if (id > book.handledMax) book.handledMax = id
    return true
  }

  send({ status, headers, body }: Reply): void {
    const stream = this.#stream
    if (stream.destroyed || stream.closed) return
    const head = { ':status': status, ...headers }
    if (body === '') {
      stream.respond(head, { endStream: true })
    } else {
      stream.respond(head)
      stream.end(body)
    }
  }

  open(status: number, headers: Record<string, string>): Writable {
    const stream = this.#stream
    if (!stream.destroyed && !stream.closed) stream.respond({ ':status': status, ...headers })
    return stream
  }

  reset(taken: boolean): void {
    this.#stream.close(taken ? constants.NGHTTP2_INTERNAL_ERROR : constants.NGHTTP2_REFUSED_STREAM)
  }

  abandon(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  }

  hangup(): void {
    this.#stream.session?.destroy()
  }

  goaway(reply: Reply | undefined): void {
    const session = this.#stream.session
    if (session === undefined || session.destroyed) return
    if (reply !== undefined) this.send(reply)
    else this.#disown(session)
    session.close()
  }

  /**
   * GOAWAY disowns all streams above a number. It cannot if a later one was handled already, and Node takes 0 for
   * "all handled"; then only REFUSED_STREAM says that this one was not, and the client must send it again itself.
   */
  #disown(session: Http2Session): void {
    const book = bookOf(session)
    const limit = (this.#stream.id ?? 0) - 2
    if (book.handledMax <= limit + 2 && limit > 0) {
      book.limit = limit
      session.goaway(constants.NGHTTP2_NO_ERROR, limit)
    }
    this.reset(false)
  }
}

export class ResponseExchange implements Exchange {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
  }

  send({ status, headers, body }: Reply): void {
    if (this.#response.destroyed) return
    this.#response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
    this.#response.end(body)
  }

  open(status: number, headers: Record<string, string>): Writable {
    this.#response.writeHead(status, headers)
    this.#response.flushHeaders()
    return this.#response
  }

  reset(): void {
    const socket = this.#response.socket
    if (socket instanceof TLSSocket) socket.destroy()
    else socket?.resetAndDestroy()
  }

  /** A FIN and not a RST, which would take back what the client has not read yet. */
  abandon(): void {
    this.#response.socket?.destroy()
  }

  hangup(): void {
    this.#response.socket?.destroy()
  }

  goaway(reply: Reply | undefined): void {
    const last = reply ?? { status: 503, headers: {}, body: '' }
    this.send({ ...last, headers: { ...last.headers, connection: 'close' } })
  }
}

/** Gives the whole body once it is there; nothing if it never is. Undefined: larger than the limit. */
export const readBody = (
  from: Readable | IncomingMessage,
  bytesMax: number,
  done: (body: Buffer | undefined) => void,
): void => {
  const chunks: Buffer[] = []
  let bytes = 0
  from.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= bytesMax) chunks.push(chunk)
  })
  from.on('end', () => {
    if (bytes > bytesMax) done(undefined)
    else done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
  })
}
