import type { StatusAnswer } from './answers.ts'
import type { Reply } from './exchange.ts'

interface GoogleError {
  status: string
  message: string
}

/** `google.rpc.Status` by FCM's errorCode; the names without one are what Google's front end says itself. */
const errors: Record<string, GoogleError> = {
  INVALID_ARGUMENT: {
    status: 'INVALID_ARGUMENT',
    message: 'The registration token is not a valid FCM registration token',
  },
  UNREGISTERED: { status: 'NOT_FOUND', message: 'Requested entity was not found.' },
  SENDER_ID_MISMATCH: { status: 'PERMISSION_DENIED', message: 'SenderId mismatch' },
  THIRD_PARTY_AUTH_ERROR: {
    status: 'UNAUTHENTICATED',
    message: 'Auth error from APNS or Web Push Service',
  },
  QUOTA_EXCEEDED: {
    status: 'RESOURCE_EXHAUSTED',
    message: 'Quota exceeded for quota metric and limit of service fcm.googleapis.com.',
  },
  INTERNAL: { status: 'INTERNAL', message: 'Internal error encountered.' },
  UNAVAILABLE: { status: 'UNAVAILABLE', message: 'The service is currently unavailable.' },
}

const withoutCode: Record<number, GoogleError> = {
  401: {
    status: 'UNAUTHENTICATED',
    message:
      'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.',
  },
  403: {
    status: 'PERMISSION_DENIED',
    message:
      "Permission 'cloudmessaging.messages.create' denied on resource (or it may not exist).",
  },
  404: { status: 'NOT_FOUND', message: 'Requested entity was not found.' },
  413: { status: 'INVALID_ARGUMENT', message: 'Request payload size exceeds the limit.' },
}

const usualCodes: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  429: 'QUOTA_EXCEEDED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
}

/** A `field` names what was wrong in the request, as a BadRequest detail beside FCM's own. */
export const fcmError = (
  { status, code, retryAfterS }: StatusAnswer,
  wrong?: { field: string; description: string },
): Reply => {
  const errorCode = code === undefined ? usualCodes[status] : String(code)
  const known = errorCode === undefined ? withoutCode[status] : errors[errorCode]
  const error = known ?? { status: errorCode ?? 'UNKNOWN', message: 'Unknown Error.' }
  const details: unknown[] = []
  if (errorCode !== undefined && errorCode in errors)
    details.push({
      '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError',
      errorCode,
    })
  if (wrong !== undefined)
    details.push({
      '@type': 'type.googleapis.com/google.rpc.BadRequest',
      fieldViolations: [wrong],
    })
  const message = wrong?.description ?? error.message
  const body = { code: status, message, status: error.status }
  const headers: Record<string, string> = { 'content-type': 'application/json; charset=UTF-8' }
  if (retryAfterS !== undefined) headers['retry-after'] = String(retryAfterS)
  return {
    status,
    headers,
    body: JSON.stringify({ error: details.length > 0 ? { ...body, details } : body }),
  }
}
