import type { FastifyInstance, FastifyReply } from 'fastify'
import { Unavailable } from '#ports/errors.ts'
import type { Log } from '#ports/log.ts'
import { type Answered, ApiProblem, problemOf } from './problems.ts'

/** Tells a person what only a person can mend, and leaves the rest to the caller. */
export const noteError = (log: Log, error: unknown, answered: Answered, route?: string): void => {
  if (answered.bug)
    log.error('A request failed for no known reason.', { route, error: answered.bug })
  else if (error instanceof Unavailable) {
    log.warn('A request was answered with 503.', { route, code: error.code, error })
  }
}

export const sendProblem = (reply: FastifyReply, { problem, headers }: Answered): FastifyReply =>
  reply
    .code(problem.status)
    .headers(headers)
    .type('application/problem+json')
    .send(JSON.stringify(problem))

/** Who asked went away before the first line of a streamed answer, which then ends with the connection. */
const hasHungUp = (error: unknown, reply: FastifyReply): boolean =>
  reply.raw.destroyed && (error as { code?: unknown }).code === 'ERR_STREAM_PREMATURE_CLOSE'

/** Every error becomes `application/problem+json`. */
export const answerErrors = (app: FastifyInstance, log: Log): void => {
  app.setErrorHandler((error, request, reply) => {
    const answered = problemOf(error)
    if (!hasHungUp(error, reply)) noteError(log, error, answered, request.routeOptions.url)
    return sendProblem(reply, answered)
  })
}

const parserProblem = (code: string | undefined): ApiProblem => {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new ApiProblem('request/header-too-large', 'All headers together have at most 16 KB.')
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new ApiProblem('request/timeout', 'The headers did not come in time.')
  }
  return new ApiProblem('request/malformed', 'This is not well-formed HTTP.')
}

interface RawSocket {
  readonly writable: boolean
  end(text: string): void
  destroy(): void
}

/** What cannot even be read as HTTP is answered by hand. */
export const answerUnreadable = (error: { readonly code?: string }, socket: RawSocket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { problem } = problemOf(parserProblem(error.code))
  const body = JSON.stringify(problem)
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
