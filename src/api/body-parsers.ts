import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Clock } from '#ports/clock.ts'
import { parseJsonText } from './json-text.ts'
import { ApiProblem } from './problems.ts'
import { bodyBytesMax, callbackBytesMax, decodeUtf8, readBody } from './read-body.ts'

/** A compressed body may be a bomb; and nobody needs one. */
const refuseEncoded = (request: FastifyRequest): void => {
  const encoding = request.headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return
  throw new ApiProblem('request/content-encoding', 'Send the body as it is.')
}

const refuseAnnounced = (request: FastifyRequest, bytesMax: number): void => {
  if (Number(request.headers['content-length'] ?? 0) <= bytesMax) return
  throw new ApiProblem('request/too-large', `A body here has at most ${bytesMax} bytes.`)
}

const read = async (
  request: FastifyRequest,
  payload: Readable,
  clock: Clock,
  limits: { readonly bytesMax: number; readonly timeoutMs: number },
): Promise<Buffer> => {
  refuseEncoded(request)
  refuseAnnounced(request, limits.bytesMax)
  return readBody(payload, clock, limits)
}

/** JSON and nothing else, read as strictly as it is compared. An empty body is none. */
export const parseJsonBodies = (app: FastifyInstance, clock: Clock, timeoutMs: number): void => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    async (request: FastifyRequest, payload: Readable) => {
      const bytes = await read(request, payload, clock, { bytesMax: bodyBytesMax, timeoutMs })
      return bytes.length === 0 ? undefined : parseJsonText(decodeUtf8(bytes))
    },
  )
}

/** Whatever it is, as the bytes that were signed. */
export const parseRawBodies = (app: FastifyInstance, clock: Clock, timeoutMs: number): void => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request: FastifyRequest, payload: Readable) =>
    read(request, payload, clock, { bytesMax: callbackBytesMax, timeoutMs }),
  )
}

/** Lines that are read as they come: the body is the stream itself. */
export const parseStreams = (app: FastifyInstance): void => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/x-ndjson', 'application/jsonl'],
    async (request: FastifyRequest, payload: Readable) => {
      refuseEncoded(request)
      return payload
    },
  )
}
