/** The words in which a test, a magic recipient or a seed says how a provider shall answer. */
export const providers = ['apns', 'fcm', 'twilio', 'sendgrid'] as const
export type Provider = (typeof providers)[number]

/**
 * What no well-behaved server does. `reset` ends one stream, `hangup` the whole connection; `goaway` closes it
 * politely. What was not taken is refused with REFUSED_STREAM or GOAWAY where HTTP/2 has a word for that.
 */
export const behaviours = [
  'silent',
  'cut',
  'drip',
  'huge',
  'reset',
  'hangup',
  'nonsense',
  'goaway',
] as const
export type Behaviour = (typeof behaviours)[number]

export interface ReceiptPlan {
  /** In the provider's own words and in the order of sending; absent: what usually follows. */
  kinds?: readonly string[]
  /** Twilio's ErrorCode, SendGrid's reason, of the kinds that are failures. */
  code?: string | number
  /** When the last one is due; absent: `receiptDelayMs`. */
  delayMs?: number
  /** Ten times `delayMs`. */
  late?: boolean
  reversed?: boolean
  /** Posted before the HTTP answer. */
  early?: boolean
  /** How often each is posted; 0: never, though the state still moves on for whoever asks. */
  times?: number
}

/** Without a body the provider's own words for this status and code are sent. */
export interface StatusAnswer {
  status: number
  /** APNs reason, FCM errorCode, Twilio code; absent: the usual one for the status. */
  code?: string | number
  headers?: Record<string, string>
  body?: unknown
  /** Spelt as the provider does: Retry-After, or x-ratelimit-reset. */
  retryAfterS?: number
  /** Absent: 2xx yes, 500 by a seeded coin, else no. */
  taken?: boolean
  receipts?: ReceiptPlan
}

export interface BehavedAnswer {
  behave: Behaviour
  taken: boolean
  receipts?: ReceiptPlan
}

export type Answer = StatusAnswer | BehavedAnswer

/** `name` is one of the magic names: the same answer without the magic recipient. */
export type ScriptedAnswer = Answer | { name: string }

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isAnswer = (value: unknown): value is ScriptedAnswer => {
  if (!isObject(value)) return false
  if (typeof value.name === 'string') return true
  if (typeof value.behave === 'string')
    return behaviours.some((known) => known === value.behave) && typeof value.taken === 'boolean'
  const status = value.status
  return typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599
}

/** The body of `POST /script`; throws a TypeError that can be shown. */
export const parseScript = (value: unknown): { to: string; answers: ScriptedAnswer[] } => {
  if (!isObject(value) || typeof value.to !== 'string' || !Array.isArray(value.answers))
    throw new TypeError('Expected {"to": "…", "answers": […]}.')
  const wrong = value.answers.findIndex((answer) => !isAnswer(answer))
  if (wrong >= 0)
    throw new TypeError(
      `answers/${wrong} is none of {"status": 200…599}, {"behave": "${behaviours.join('|')}", "taken": true|false}, {"name": "…"}.`,
    )
  return { to: value.to, answers: value.answers as ScriptedAnswer[] }
}
