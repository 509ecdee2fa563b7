import { parseArgs } from 'node:util'
import type { FaultMix } from '#sandbox/chooser.ts'
import { DemoFailure } from './failure.ts'

export interface DemoSettings {
  readonly seed: number
  /** Share of all requests to a provider that go wrong. */
  readonly faultRate: number
  readonly people: number
  /** About how many alerts there are to be. */
  readonly alerts: number
  readonly kills: number
  /** Four processes on three servers instead of one on a directory. */
  readonly cluster: boolean
  readonly json: boolean
  readonly keep: boolean
}

const usage = `Usage: npm run demo -- [options]

  --json          end with one line of JSON; progress goes to stderr
  --seed N        another set of people and faults (default 1)
  --faults RATE   share of provider requests that go wrong, 0 to 0.3 (default 0.05)
  --people N      recipients, 10 to 20000 (default 2000)
  --alerts N      about how many notifications, 1 to 100000 (default 20000)
  --kills N       how often the service is killed and started again, 0 to 5 (default 1)
  --cluster       four processes on EventStoreDB, NATS and MongoDB; one of them is killed
  --keep          leave the data directory for ./pabal audit
  --help
`

const numberIn = (name: string, text: string, min: number, max: number): number => {
  const value = Number(text)
  if (text.trim() !== '' && value >= min && value <= max) return value
  throw new DemoFailure(`--${name} must be a number from ${min} to ${max}, not "${text}".`)
}

/** `undefined`: the usage was asked for. */
export const parseDemoArgs = (args: string[]): DemoSettings | undefined => {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      cluster: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      faults: { type: 'string', default: '0.05' },
      people: { type: 'string', default: '2000' },
      alerts: { type: 'string', default: '20000' },
      kills: { type: 'string', default: '1' },
    },
  })
  if (values.help) return undefined
  const whole = (name: 'seed' | 'people' | 'alerts' | 'kills', min: number, max: number) =>
    Math.floor(numberIn(name, values[name], min, max))
  return {
    seed: whole('seed', 0, 1_000_000),
    faultRate: numberIn('faults', values.faults, 0, 0.3),
    people: whole('people', 10, 20_000),
    alerts: whole('alerts', 1, 100_000),
    kills: whole('kills', 0, 5),
    json: values.json,
    keep: values.keep,
    cluster: values.cluster,
  }
}

export const demoUsage = usage

export const category = 'earthquake'
export const receiptDelayMs = 300

/**
 * Every "too many requests" says when to come back, after 1 s: to one of FCM that does not, the
 * answer is a minute's patience, as Google asks.
 */
export const faultMix: FaultMix = { '429': 0, '429-retry-after': 35 }

interface Shortened {
  readonly variable: string
  readonly value: number
  readonly is: string
  readonly instead: string
}

const seconds = (ms: number): string => `${ms / 1_000} s`

const shorten = (variable: string, ms: number, instead: string): Shortened => ({
  variable,
  value: ms,
  is: seconds(ms),
  instead,
})

/**
 * What the demo does not wait for. A receipt may take longer than the service is away, and than the
 * sandbox's next try after that, so that only those count as unconfirmed that never come.
 */
export const shortened: readonly Shortened[] = [
  shorten('PABAL_PUSH_DEADLINE_MS', 3_000, '10 s'),
  shorten('PABAL_SMS_DEADLINE_MS', 3_000, '15 s'),
  shorten('PABAL_EMAIL_DEADLINE_MS', 3_000, '15 s'),
  shorten('PABAL_SMS_BACKOFF_BASE_MS', 500, '5 s'),
  shorten('PABAL_EMAIL_BACKOFF_BASE_MS', 500, '30 s'),
  shorten('PABAL_PUSH_BACKOFF_BASE_MS', 500, '1 s'),
  shorten('PABAL_SMS_RECEIPT_TIMEOUT_MS', 10_000, '10 h'),
  shorten('PABAL_EMAIL_RECEIPT_TIMEOUT_MS', 10_000, '72 h'),
  { variable: 'PABAL_TWILIO_RATE_PER_SECOND', value: 500, is: '500/s', instead: '100/s' },
]

/** What is set for the demo, wherever the service keeps its data. */
export const serviceSettings: Readonly<Record<string, string>> = {
  PABAL_LOG_LEVEL: 'warn',
  PABAL_CATEGORIES: `${category}:transactional,transactional:transactional`,
  ...Object.fromEntries(shortened.map(({ variable, value }) => [variable, String(value)])),
}

/** The whole environment of the service: what the user has set for his own does not reach it. */
export const serviceEnvironment = (places: {
  readonly dataDir: string
  readonly sandboxUrl: string
  readonly port: number
}): Record<string, string> => ({
  PABAL_DATA_DIR: places.dataDir,
  PABAL_SANDBOX_URL: places.sandboxUrl,
  PABAL_PORT: String(places.port),
  ...serviceSettings,
})
