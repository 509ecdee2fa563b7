import type { Answer, Provider, ScriptedAnswer } from './answers.ts'

type Failing =
  | '429'
  | '429-retry-after'
  | '500'
  | '503'
  | 'silent'
  | 'cut'
  | 'drip'
  | 'huge'
  | 'nonsense'
  | 'reset'
  | 'hangup'
  | 'goaway'
  | 'credentials'
type Lasting =
  | 'dead'
  | 'stop'
  | 'receipt-late'
  | 'receipt-repeat'
  | 'receipt-disorder'
  | 'receipt-never'
  | 'receipt-failed'
  | 'receipt-early'
  | 'receipt-complaint'
export type MagicName = Failing | `${Failing}-once` | `${Failing}-twice` | Lasting

interface Row {
  /** Four hex digits after `facade`; absent: push has no such thing. */
  apns?: string
  /** The last four digits but two of +1500555xxxx; `-once` and `-twice` are the next two numbers. */
  phone?: number
  answer?: Answer
  /** What differs by provider; a provider in neither does not know the name. */
  per?: Partial<Record<Provider, Answer>>
}

const failing: Record<Failing, Row & { apns: string; phone: number }> = {
  '429': { apns: '0429', phone: 10, answer: { status: 429 } },
  '429-retry-after': { apns: 'a429', phone: 13, answer: { status: 429, retryAfterS: 1 } },
  '500': { apns: '0500', phone: 16, answer: { status: 500 } },
  '503': { apns: '0503', phone: 19, answer: { status: 503 } },
  silent: { apns: '5113', phone: 22, answer: { behave: 'silent', taken: true } },
  cut: { apns: '0c07', phone: 25, answer: { behave: 'cut', taken: true } },
  drip: { apns: 'd819', phone: 28, answer: { behave: 'drip', taken: true } },
  huge: { apns: 'b166', phone: 31, answer: { behave: 'huge', taken: true } },
  nonsense: { apns: 'babe', phone: 34, answer: { behave: 'nonsense', taken: true } },
  reset: { apns: '4e5e', phone: 37, answer: { behave: 'reset', taken: true } },
  hangup: { apns: '4a96', phone: 40, answer: { behave: 'hangup', taken: true } },
  goaway: { apns: '60a4', phone: 43, answer: { behave: 'goaway', taken: true } },
  credentials: {
    apns: 'bad1',
    phone: 46,
    answer: { status: 401 },
    per: { apns: { status: 403, code: 'InvalidProviderToken' } },
  },
}

const receipts = (phone: number, plan: NonNullable<Answer['receipts']>): Row => ({
  phone,
  per: { twilio: { status: 201, receipts: plan }, sendgrid: { status: 202, receipts: plan } },
})

/** Nobody was told where the receipt says that the message was not delivered: so `taken` is false there. */
const notTold = (status: number, kinds: string[], code: string | number): Answer => ({
  status,
  taken: false,
  receipts: { kinds, code },
})

const lasting: Record<Lasting, Row> = {
  dead: {
    apns: 'dead',
    phone: 50,
    per: {
      apns: { status: 410, code: 'Unregistered' },
      fcm: { status: 404, code: 'UNREGISTERED' },
      twilio: { status: 400, code: 21211 },
      sendgrid: notTold(202, ['dropped'], 'Bounced Address'),
    },
  },
  stop: {
    phone: 51,
    per: {
      twilio: { status: 400, code: 21610 },
      sendgrid: notTold(202, ['dropped'], 'Unsubscribed Address'),
    },
  },
  'receipt-late': receipts(60, { late: true }),
  'receipt-repeat': receipts(61, { times: 3 }),
  'receipt-disorder': receipts(62, { reversed: true }),
  'receipt-never': receipts(63, { times: 0 }),
  'receipt-failed': {
    phone: 64,
    per: {
      twilio: notTold(201, ['sent', 'undelivered'], 30005),
      sendgrid: notTold(202, ['processed', 'bounce'], '550 5.1.1 The account does not exist.'),
    },
  },
  'receipt-early': receipts(65, { early: true }),
  'receipt-complaint': {
    per: {
      sendgrid: { status: 202, receipts: { kinds: ['processed', 'delivered', 'spamreport'] } },
    },
  },
}

/** Looked up by strings that came over the wire, hence a Map; every behaviour is in it once, `-once` and `-twice` too. */
interface Spelling {
  row: Row
  variant: number
}
const spellings = new Map<string, Spelling>()
for (const [name, row] of Object.entries(failing)) {
  spellings.set(name, { row, variant: 0 })
  spellings.set(`${name}-once`, { row, variant: 1 })
  spellings.set(`${name}-twice`, { row, variant: 2 })
}
for (const [name, row] of Object.entries(lasting)) spellings.set(name, { row, variant: 0 })

const longestFirst = [...spellings.keys()].sort((a, b) => b.length - a.length)
const byApnsPrefix = new Map<string, string>()
const byPhoneCode = new Map<string, string>()
for (const [name, { row, variant }] of spellings) {
  if (row.apns !== undefined) byApnsPrefix.set(`facade${row.apns}0${variant}`, name)
  if (row.phone !== undefined) byPhoneCode.set(String(row.phone + variant), name)
}

const answerOf = (name: string, provider: Provider): Answer | undefined => {
  const row = spellings.get(name)?.row
  return row?.per?.[provider] ?? row?.answer
}

const apnsPrefixChars = 12
const phonePrefix = '+1500555'

const nameIn: Record<Provider, (to: string) => string | undefined> = {
  apns: (to) => byApnsPrefix.get(to.slice(0, apnsPrefixChars).toLowerCase()),
  fcm: (to) => {
    const from = to.indexOf('magic-')
    if (from < 0) return undefined
    const rest = to.slice(from + 'magic-'.length)
    return longestFirst.find((name) => rest.startsWith(name))
  },
  twilio: (to) =>
    to.startsWith(phonePrefix) ? byPhoneCode.get(to.slice(phonePrefix.length, -2)) : undefined,
  sendgrid: (to) => {
    const at = to.lastIndexOf('@')
    const plus = to.lastIndexOf('+', at)
    if (plus >= 0) return to.slice(plus + 1, at).toLowerCase()
    return to.endsWith('@magic.example') ? to.slice(0, at).toLowerCase() : undefined
  },
}

export interface Magic {
  name: string
  answer: Answer
  /** How often it fails before it succeeds. */
  failuresMax: number
}

export const magicOf = (provider: Provider, to: string): Magic | undefined => {
  const name = nameIn[provider](to)
  if (name === undefined) return undefined
  const answer = answerOf(name, provider)
  if (answer === undefined) return undefined
  return { name, answer, failuresMax: spellings.get(name)?.variant || Number.POSITIVE_INFINITY }
}

/** Resolves `{ name }` in a script. A name that this provider does not know is a mistake of the script: loud, not fatal. */
export const namedAnswer = (provider: Provider, scripted: ScriptedAnswer): Answer => {
  if (!('name' in scripted)) return scripted
  const body = `Sandbox: ${provider} has no answer "${scripted.name}".`
  return answerOf(scripted.name, provider) ?? { status: 501, body }
}

export const magicNames = (provider: Provider): MagicName[] =>
  [...spellings.keys()].filter((name): name is MagicName => answerOf(name, provider) !== undefined)

/**
 * The address or token that makes this provider answer so. A different `salt` gives a different recipient;
 * phones have only 0 to 99.
 */
export const magicRecipient = (provider: Provider, name: MagicName, salt = 0): string => {
  const spelling = spellings.get(name)
  if (spelling === undefined || answerOf(name, provider) === undefined)
    throw new RangeError(`${provider} has no magic recipient "${name}".`)
  const { row, variant } = spelling
  switch (provider) {
    case 'apns':
      return `facade${row.apns}0${variant}${salt.toString(16).padStart(52, '0')}`
    case 'fcm':
      return `magic-${name}:${salt}`
    case 'twilio':
      if (salt > 99) throw new RangeError('There are only 100 magic phones of a name.')
      return `${phonePrefix}${row.phone! + variant}${String(salt).padStart(2, '0')}`
    case 'sendgrid':
      return `user${salt}+${name}@magic.example`
  }
}
