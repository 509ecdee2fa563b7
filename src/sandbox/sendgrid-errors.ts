import type { StatusAnswer } from './answers.ts'
import type { Reply } from './exchange.ts'

export interface SendgridError {
  message: string
  field: string | null
}

const requestsPerMinute = 600

const usual: Record<number, SendgridError> = {
  400: { message: 'Bad Request', field: null },
  401: {
    message: 'The provided authorization grant is invalid, expired, or revoked',
    field: null,
  },
  403: { message: 'access forbidden', field: null },
  404: { message: 'not found', field: null },
  405: { message: 'method not allowed', field: null },
  413: { message: 'The message is too large.', field: null },
  429: { message: 'too many requests', field: null },
  500: { message: 'internal server error', field: null },
  503: { message: 'service unavailable', field: null },
}

/** SendGrid does not say Retry-After: it says when its window begins anew, in seconds since the epoch. */
export const sendgridError = (
  { status, retryAfterS }: StatusAnswer,
  wrong?: SendgridError,
): Reply => {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (retryAfterS !== undefined) {
    headers['x-ratelimit-limit'] = String(requestsPerMinute)
    headers['x-ratelimit-remaining'] = '0'
    headers['x-ratelimit-reset'] = String(Math.ceil(Date.now() / 1_000) + retryAfterS)
  }
  const error = wrong ?? usual[status] ?? { message: `Error ${status}`, field: null }
  return { status, headers, body: JSON.stringify({ errors: [{ ...error, help: null }] }) }
}
