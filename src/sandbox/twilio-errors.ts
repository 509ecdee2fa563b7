import type { StatusAnswer } from './answers.ts'
import type { Reply } from './exchange.ts'

const messages: Record<string, string> = {
  20003: 'Authenticate',
  20404: 'The requested resource was not found',
  20429: 'Too Many Requests',
  20500: 'An internal server error has occurred',
  20503: 'Service is unavailable. Please try again.',
  21211: "Invalid 'To' Phone Number",
  21408:
    "Permission to send an SMS has not been enabled for the region indicated by the 'To' number",
  21602: 'Message body is required.',
  21603: "A 'From' phone number is required.",
  21604: "A 'To' phone number is required.",
  21606:
    "The 'From' phone number provided is not a valid message-capable Twilio phone number for this destination/account.",
  21609: "The 'StatusCallback' URL is not a valid URL.",
  21610: 'Attempt to send to unsubscribed recipient',
  21611: "This 'From' number has exceeded the maximum number of queued messages",
  21612: "The 'To' phone number is not currently reachable using the 'From' phone number via SMS.",
  21614: "'To' number is not a valid mobile number",
  21617: 'The concatenated message body exceeds the 1600 character limit.',
  21635: "'To' number cannot be a landline",
}

const usualCodes: Record<number, number> = {
  400: 21211,
  401: 20003,
  403: 20003,
  404: 20404,
  429: 20429,
  500: 20500,
  503: 20503,
}

export const twilioError = ({ status, code, retryAfterS }: StatusAnswer): Reply => {
  const known = code ?? usualCodes[status] ?? 20500
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (retryAfterS !== undefined) headers['retry-after'] = String(retryAfterS)
  if (status === 401) headers['www-authenticate'] = 'Basic realm="Twilio API"'
  const body = {
    code: Number(known),
    message: messages[known] ?? `Error ${known}`,
    more_info: `https://www.twilio.com/docs/errors/${known}`,
    status,
  }
  return { status, headers, body: JSON.stringify(body) }
}
