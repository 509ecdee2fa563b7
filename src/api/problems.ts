import { Refusal, type RefusalCode } from '#domain/recorded-fact.ts'
import { Unavailable, VersionConflict } from '#ports/errors.ts'

/** What the API itself says no to. Each has a paragraph in docs/errors.md. Never reused. */
export const apiCodes = [
  'auth/key-invalid',
  'auth/scope-missing',
  'callback/not-authentic',
  'conflict',
  'internal',
  'request/content-encoding',
  'request/cursor-invalid',
  'request/forbidden-key',
  'request/header-too-large',
  'request/invalid',
  'request/lone-surrogate',
  'request/malformed',
  'request/method-not-allowed',
  'request/not-found',
  'request/not-json',
  'request/not-utf8',
  'request/number-too-large',
  'request/rate-limited',
  'request/timeout',
  'request/too-deep',
  'request/too-large',
  'request/unsupported-media-type',
  'service/stopping',
] as const
export type ApiCode = (typeof apiCodes)[number]

interface Row {
  readonly status: number
  readonly title: string
}

/** Every code there is; `Unavailable` brings codes of its own, all of them 503. */
export const problems: Readonly<Record<RefusalCode | ApiCode, Row>> = {
  'app/exists': { status: 409, title: 'The app exists already' },
  'app/invalid': { status: 400, title: 'The name of the app is not allowed' },
  'app/key-not-found': { status: 404, title: 'There is no such key' },
  'auth/key-invalid': { status: 401, title: 'The API key is missing or not valid' },
  'auth/scope-missing': { status: 403, title: 'The API key may not do this' },
  'callback/not-authentic': { status: 401, title: 'The callback is not authentic' },
  conflict: { status: 409, title: 'Somebody changed this at the same time' },
  'event-id/reused': { status: 422, title: 'The event id was used for another request' },
  'event/too-large': { status: 413, title: 'The request is too large to be recorded' },
  internal: { status: 500, title: 'Something went wrong here' },
  'log/not-empty': { status: 409, title: 'The log is not empty' },
  'log/other-source': { status: 409, title: 'The log is a copy of another one' },
  'log/sealed': { status: 409, title: 'The log was moved away' },
  'log/unfinished-copy': { status: 409, title: 'The log is an unfinished copy' },
  'notification/category-unknown': { status: 422, title: 'The category is not known' },
  'notification/data-missing': { status: 422, title: 'The template needs more data' },
  'notification/expired-before-sent': { status: 400, title: 'It expires before it is sent' },
  'notification/not-found': { status: 404, title: 'There is no such notification' },
  'notification/not-routed': { status: 409, title: 'The notification has no such delivery' },
  'notification/unreadable': { status: 409, title: 'The notification cannot be read' },
  'recipient/not-found': { status: 404, title: 'There is no such recipient' },
  'recipient/too-many-devices': { status: 422, title: 'The recipient has too many devices' },
  'request/content-encoding': { status: 415, title: 'Compressed bodies are not taken' },
  'request/cursor-invalid': { status: 400, title: 'The cursor does not fit this query' },
  'request/forbidden-key': { status: 400, title: 'The body has a forbidden key' },
  'request/header-too-large': { status: 431, title: 'The headers are too large' },
  'request/invalid': { status: 400, title: 'The request is not of the right shape' },
  'request/lone-surrogate': { status: 400, title: 'The body has a text that is not Unicode' },
  'request/malformed': { status: 400, title: 'This is not well-formed HTTP' },
  'request/method-not-allowed': { status: 405, title: 'This path does not know the method' },
  'request/not-found': { status: 404, title: 'There is nothing at this path' },
  'request/not-json': { status: 400, title: 'The body is not JSON' },
  'request/not-utf8': { status: 400, title: 'The body is not UTF-8' },
  'request/number-too-large': { status: 400, title: 'The body has a number that JSON cannot keep' },
  'request/rate-limited': { status: 429, title: 'Too many requests' },
  'request/timeout': { status: 408, title: 'The request did not come in time' },
  'request/too-deep': { status: 400, title: 'The body is nested too deep' },
  'request/too-large': { status: 413, title: 'The body is too large' },
  'request/unsupported-media-type': { status: 415, title: 'This media type is not taken here' },
  'service/stopping': { status: 503, title: 'The service is stopping' },
  'template/forbidden-construct': { status: 422, title: 'The template uses what is not allowed' },
  'template/invalid': { status: 422, title: 'The template is not valid' },
  'template/not-found': { status: 422, title: 'There is no such template' },
  'template/too-large': { status: 422, title: 'The template is too large' },
  'template/version-not-found': { status: 422, title: 'The template has no such version' },
}

/** RFC 9457; `pointer` (RFC 6901) names the field of the body, or of the query. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly pointer?: string
}

/** The API says no. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly code: RefusalCode | ApiCode
  readonly pointer: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Where a path means something else than a body: an unknown template is 404 there, not 422. */
  readonly status: number

  constructor(
    code: RefusalCode | ApiCode,
    detail: string,
    more: {
      readonly pointer?: string | undefined
      readonly headers?: Readonly<Record<string, string>>
      readonly status?: number
    } = {},
  ) {
    super(detail)
    this.code = code
    this.pointer = more.pointer
    this.headers = more.headers ?? {}
    this.status = more.status ?? problems[code].status
  }
}

const problem = (
  code: string,
  { status, title }: Row,
  detail: string,
  pointer?: string,
): Problem => ({
  type: `/errors#${code}`,
  title,
  status,
  code,
  detail,
  ...(pointer !== undefined && { pointer }),
})

export interface Answered {
  readonly problem: Problem
  readonly headers: Readonly<Record<string, string>>
  /** Something that a person has to know of. */
  readonly bug?: Error
}

const fastifyCodes: ReadonlyMap<unknown, ApiCode> = new Map<string, ApiCode>(
  Object.entries({
    FST_ERR_BAD_URL: 'request/malformed',
    FST_ERR_CTP_BODY_TOO_LARGE: 'request/too-large',
    FST_ERR_CTP_EMPTY_TYPE: 'request/unsupported-media-type',
    FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request/malformed',
    FST_ERR_CTP_INVALID_MEDIA_TYPE: 'request/unsupported-media-type',
    FST_ERR_MAX_PARAM_LENGTH: 'request/not-found',
  } as const),
)

/** What is told of an error; nothing of what was not meant to be told. */
export const problemOf = (error: unknown): Answered => {
  if (error instanceof ApiProblem) {
    const { code, message, pointer, headers, status } = error
    return { problem: problem(code, { ...problems[code], status }, message, pointer), headers }
  }
  if (error instanceof Refusal) {
    const { code, message, pointer } = error
    return { problem: problem(code, problems[code], message, pointer), headers: {} }
  }
  if (error instanceof VersionConflict) {
    const detail = 'Somebody changed the same thing at the same time; try again.'
    return { problem: problem('conflict', problems.conflict, detail), headers: {} }
  }
  if (error instanceof Unavailable) {
    const row = { status: 503, title: 'Not available for now' }
    const detail = 'A part of the service did not answer; try the same request again.'
    return { problem: problem(error.code, row, detail), headers: { 'retry-after': '1' } }
  }
  const known = fastifyCodes.get((error as { code?: unknown } | undefined)?.code)
  if (known) {
    return { problem: problem(known, problems[known], problems[known].title), headers: {} }
  }
  const detail = 'This is our fault; the log says more.'
  const bug = error instanceof Error ? error : new Error(String(error))
  return { problem: problem('internal', problems.internal, detail), headers: {}, bug }
}
