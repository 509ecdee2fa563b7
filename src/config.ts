import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { contradictions, variableOf } from './contradictions.ts'
import { Secret } from './ports/secret.ts'

const text = (description: string, initial?: string) =>
  Type.String({ description, minLength: 1, ...(initial !== undefined && { default: initial }) })
const whole = (description: string, initial: number, minimum: number, maximum: number) =>
  Type.Integer({ description, default: initial, minimum, maximum })
const optional = (description: string) => Type.Optional(text(description))
const secret = (description: string) =>
  Type.Optional(Type.String({ description, minLength: 1, secret: true }))
const hour = 3_600_000
const perSecond = (who: string, initial: number) =>
  Type.Number({
    description: `Requests a second to ${who}, on average, by this process.`,
    default: initial,
    exclusiveMinimum: 0,
    maximum: 1_000_000,
  })

export { variableOf } from './contradictions.ts'

/** What a process may do. `relay`, `projector` and `timekeeper` are done by one process at a time. */
export const roleNames = ['api', 'router', 'channels', 'relay', 'projector', 'timekeeper'] as const
export type Role = (typeof roleNames)[number]

/** Every setting there is: `pushDeadlineMs` is PABAL_PUSH_DEADLINE_MS. The documentation is made from it. */
export const settings = Type.Object({
  host: text('Address to listen on.', '127.0.0.1'),
  port: whole('Port to listen on; 0 takes any free one.', 7070, 0, 65_535),
  roles: text(
    'What this process does, separated by commas: api, router, channels, relay, projector, timekeeper. Of the last three one process at a time is active, the others stand by. Each process serves /healthz, /readyz and /metrics.',
    roleNames.join(','),
  ),
  publicUrl: optional(
    'Where providers reach this service for their receipts. Default: the address it listens on.',
  ),
  dataDir: text('Directory of the log and the read models.', './pabal-data'),
  logLevel: Type.Union(
    ['debug', 'info', 'warn', 'error', 'silent'].map((level) => Type.Literal(level)),
    {
      description: 'Least important log lines that are written: debug, info, warn, error, silent.',
      default: 'info',
    },
  ),
  secret: secret(
    'Key of all keyed hashes, 32 characters or more; the same for every process of a cluster. Default, for one process: made at the first start and kept in the data directory.',
  ),
  categories: text(
    'Categories and their purpose (security, transactional or ad): name:purpose, separated by commas.',
    'security:security,transactional:transactional,marketing:ad',
  ),
  metricsToken: secret(
    'Token that Prometheus shows for /metrics, 16 characters or more. Default: only keys with the scope operate are let in.',
  ),
  rateLimitPerSecond: whole(
    'Requests a second that one key may make; a line of a batch counts as one.',
    20_000,
    1,
    1_000_000,
  ),

  eventstoreUrl: secret(
    'EventStoreDB or KurrentDB, the log of a cluster (esdb://, kurrentdb://, with +discover for several nodes). This and the next two together make a cluster; without them, log and read models are in the data directory.',
  ),
  natsUrl: secret('NATS with JetStream, the work queue of a cluster (nats:// or tls://).'),
  mongodbUrl: secret(
    'MongoDB, the read models of a cluster (mongodb:// or mongodb+srv://), with the name of the database as its path.',
  ),
  eventstoreAppend: Type.Union(
    ['classic', 'batch'].map((way) => Type.Literal(way)),
    {
      description:
        'How events are appended: classic, one call each, or batch, one stream for all, which is faster and has more ways to fail.',
      default: 'classic',
    },
  ),
  natsCredentialsFile: optional(
    'NATS: path of a credentials file (.creds, JWT and seed), instead of a user in the address. Read anew for every connection.',
  ),
  natsCaFile: optional(
    "NATS: path of the certificate authority that signed the servers' certificates (PEM), instead of the system's. The connection then uses TLS, so the address has to name the servers as their certificates do.",
  ),
  natsReplicas: whole('Servers that keep each item of the work queue: 1, 3 or 5.', 1, 1, 5),

  recoveryMarkMs: whole(
    'How often a mark is written from which timers are rebuilt should the read models be lost.',
    hour,
    1_000,
    24 * hour,
  ),

  routeSlots: whole('Notifications routed at the same time.', 64, 1, 10_000),
  pushSlots: whole('Notifications whose pushes are sent at the same time.', 256, 1, 10_000),
  smsSlots: whole('Notifications whose SMS are sent at the same time.', 64, 1, 10_000),
  emailSlots: whole('Notifications whose e-mails are sent at the same time.', 64, 1, 10_000),

  pushDeadlineMs: whole('How long one push may take.', 10_000, 100, 600_000),
  pushBackoffBaseMs: whole('First pause after a failed push; doubles.', 1_000, 10, hour),
  pushBackoffCapMs: whole('Longest pause after a failed push.', 600_000, 10, 24 * hour),
  smsDeadlineMs: whole('How long handing over one SMS may take.', 15_000, 100, 600_000),
  smsBackoffBaseMs: whole('First pause after a failed SMS; doubles.', 5_000, 10, hour),
  smsBackoffCapMs: whole('Longest pause after a failed SMS.', 600_000, 10, 24 * hour),
  smsReceiptTimeoutMs: whole(
    'How long an SMS receipt may take before it counts as unconfirmed.',
    10 * hour,
    100,
    240 * hour,
  ),
  emailDeadlineMs: whole('How long handing over one e-mail may take.', 15_000, 100, 600_000),
  emailBackoffBaseMs: whole('First pause after a failed e-mail; doubles.', 30_000, 10, hour),
  emailBackoffCapMs: whole('Longest pause after a failed e-mail.', hour, 10, 24 * hour),
  emailReceiptTimeoutMs: whole(
    'How long an e-mail receipt may take before it counts as unconfirmed.',
    72 * hour,
    100,
    240 * hour,
  ),

  apnsUrl: text(
    'Apple Push Notification service, or what stands in front of it.',
    'https://api.push.apple.com',
  ),
  apnsTeamId: optional('APNs: the ten characters of your team.'),
  apnsKeyId: optional('APNs: the ten characters of the signing key.'),
  apnsKeyFile: optional('APNs: path of the signing key (.p8).'),
  apnsKey: secret('APNs: the signing key itself, instead of its file.'),
  apnsTopic: optional('APNs: the bundle id of the app.'),
  apnsCaFile: optional(
    'APNs: path of the certificate authority of a gateway in front of Apple (PEM).',
  ),
  apnsRatePerSecond: perSecond('APNs', 5_000),

  fcmUrl: text(
    'Firebase Cloud Messaging, or what stands in front of it.',
    'https://fcm.googleapis.com',
  ),
  fcmTokenUrl: text('Where access tokens for FCM are had.', 'https://oauth2.googleapis.com/token'),
  fcmServiceAccountFile: optional('FCM: path of the service account (JSON).'),
  fcmServiceAccount: secret('FCM: the service account itself (JSON), instead of its file.'),
  fcmCaFile: optional(
    'FCM: path of the certificate authority of a gateway in front of Google (PEM).',
  ),
  fcmRatePerSecond: perSecond('FCM', 7_000),

  twilioUrl: text('Twilio, or what stands in front of it.', 'https://api.twilio.com'),
  twilioAccountSid: optional('Twilio: account SID (AC…).'),
  twilioAuthToken: secret('Twilio: auth token; receipts are verified with it too.'),
  twilioFrom: optional('Twilio: number to send from, or a messaging service (MG…).'),
  twilioRatePerSecond: perSecond('Twilio', 100),

  sendgridUrl: text('SendGrid, or what stands in front of it.', 'https://api.sendgrid.com'),
  sendgridApiKey: secret('SendGrid: API key.'),
  sendgridFrom: optional('SendGrid: address to send from.'),
  sendgridFromName: optional('SendGrid: name to send from.'),
  sendgridWebhookKey: optional('SendGrid: verification key of the signed event webhook (base64).'),
  sendgridRatePerSecond: perSecond('SendGrid', 500),

  sandboxUrl: optional(
    'Control address of a running sandbox: all four providers are taken from it. For trying out.',
  ),
})

type Plain = Static<typeof settings>
type SecretName =
  | 'secret'
  | 'eventstoreUrl'
  | 'natsUrl'
  | 'mongodbUrl'
  | 'metricsToken'
  | 'apnsKey'
  | 'fcmServiceAccount'
  | 'twilioAuthToken'
  | 'sendgridApiKey'

/** Frozen; secrets print as `[redacted]`. */
export type Config = Readonly<
  Omit<Plain, SecretName | 'categories' | 'roles'> & { readonly [S in SecretName]?: Secret } & {
    readonly roles: readonly Role[]
    readonly categories: Readonly<Record<string, 'security' | 'transactional' | 'ad'>>
  }
>

/** A cluster's settings: its three addresses and the key that its processes share. */
export type ClusterConfig = Config & {
  readonly [S in 'eventstoreUrl' | 'natsUrl' | 'mongodbUrl' | 'secret']: Secret
}

/** Whether log, queue and read models are servers; else they are in the data directory. */
export const isCluster = (config: Config): config is ClusterConfig =>
  config.eventstoreUrl !== undefined

export type Env = Readonly<Record<string, string | undefined>>

/** All that is wrong with the settings, at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]
  /** What would be in force if nothing but names were wrong: to be looked at, not to be started with. */
  readonly config: Config | undefined

  constructor(problems: readonly string[], config?: Config) {
    super(`The settings are wrong:\n${problems.map((each) => `  - ${each}`).join('\n')}`)
    this.problems = problems
    this.config = config
  }
}

const secretNames = Object.entries(settings.properties)
  .filter(([, schema]) => 'secret' in schema)
  .map(([name]) => name)

const purposes: ReadonlySet<string> = new Set(['security', 'transactional', 'ad'])

const parseCategories = (list: string, problems: string[]): Config['categories'] => {
  const categories: Record<string, 'security' | 'transactional' | 'ad'> = Object.create(null)
  for (const entry of list.split(',')) {
    const [name = '', purpose = ''] = entry.trim().split(':')
    if (!/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(name) || !purposes.has(purpose)) {
      problems.push(
        `PABAL_CATEGORIES: "${entry.trim()}" is not name:purpose, with security, transactional or ad.`,
      )
    } else categories[name] = purpose as 'ad'
  }
  return categories
}

const parseRoles = (list: string, problems: string[]): readonly Role[] => {
  const named = list.split(',').map((each) => each.trim())
  const asked = new Set(named.filter((each) => each !== ''))
  const known = new Set<string>(roleNames)
  for (const each of asked) {
    if (known.has(each)) continue
    problems.push(`PABAL_ROLES: there is no role "${each}"; there are ${roleNames.join(', ')}.`)
  }
  if (asked.size === 0) problems.push(`PABAL_ROLES: no role is named, of ${roleNames.join(', ')}.`)
  return roleNames.filter((each) => asked.has(each))
}

/** Reads PABAL_… variables, and nothing else. Throws `ConfigError` with every problem there is. */
export const parseConfig = (env: Env): Config => {
  const names = new Map(Object.keys(settings.properties).map((name) => [variableOf(name), name]))
  const given: Record<string, unknown> = {}
  const unknown: string[] = []
  const problems: string[] = []
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('PABAL_') || variable.startsWith('PABAL_TEST_') || value === undefined)
      continue
    const name = names.get(variable)
    if (name) given[name] = value
    else unknown.push(`${variable} is not a setting; see docs/configuration.md.`)
  }
  const converted = Value.Convert(settings, Value.Default(settings, given)) as Plain
  const wrong = new Set<string>()
  for (const { instancePath, message } of Value.Errors(settings, converted)) {
    const name = instancePath.slice(1)
    wrong.add(name)
    problems.push(`${variableOf(name)} ${message}.`)
  }
  problems.push(...contradictions(converted, wrong))
  const categories = parseCategories(String(converted.categories), problems)
  const roles = parseRoles(String(converted.roles), problems)
  if (problems.length > 0) throw new ConfigError([...unknown, ...problems])
  const sealed = secretNames
    .filter((name) => name in converted)
    .map((name) => [name, new Secret(String(converted[name as keyof Plain]))])
  const config = Object.freeze({ ...converted, ...Object.fromEntries(sealed), categories, roles })
  if (unknown.length > 0) throw new ConfigError(unknown, config)
  return config
}
