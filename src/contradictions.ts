/** Settings by name, each of its type; what nobody has set and what has no default is missing. */
interface Settings extends Readonly<Record<string, unknown>> {
  readonly secret?: string
  readonly metricsToken?: string
  readonly eventstoreUrl?: string
  readonly natsUrl?: string
  readonly mongodbUrl?: string
  readonly natsCredentialsFile?: string
  readonly natsReplicas: number
  readonly pushBackoffBaseMs: number
  readonly pushBackoffCapMs: number
  readonly smsBackoffBaseMs: number
  readonly smsBackoffCapMs: number
  readonly emailBackoffBaseMs: number
  readonly emailBackoffCapMs: number
}

/** The variable of a setting: `pushDeadlineMs` is PABAL_PUSH_DEADLINE_MS. */
export const variableOf = (name: string): string =>
  `PABAL_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`

/** What belongs together: with one of them, all are needed (either one of a list within). */
const groups: readonly (readonly (string | readonly string[])[])[] = [
  ['apnsTeamId', 'apnsKeyId', ['apnsKeyFile', 'apnsKey'], 'apnsTopic'],
  ['twilioAccountSid', 'twilioAuthToken', 'twilioFrom'],
  ['sendgridApiKey', 'sendgridFrom'],
]

interface Problem {
  /** The settings that it is about. */
  readonly of: readonly string[]
  readonly says: string
}

const groupProblems = (plain: Record<string, unknown>): Problem[] =>
  groups.flatMap((group) => {
    const has = (member: string | readonly string[]) =>
      [member].flat().some((name) => plain[name] !== undefined)
    if (!group.some(has)) return []
    const names = (member: string | readonly string[]) =>
      [member].flat().map(variableOf).join(' or ')
    return group
      .filter((member) => !has(member))
      .map((member) => ({ of: [member].flat(), says: `${names(member)} is missing.` }))
  })

/** The three addresses of a cluster, and how each begins. Their values are never quoted: they hold passwords. */
const clusterUrls = {
  eventstoreUrl: /^(?:esdb|kurrentdb)(?:\+discover)?:\/\/[^/\s]/,
  natsUrl: /^(?:nats|tls):\/\/[^/\s]/,
  mongodbUrl: /^mongodb(?:\+srv)?:\/\/[^/\s]/,
} as const

const withUser = /\/\/[^/\s]*@/

const clusterProblems = (plain: Settings): Problem[] => {
  const names = Object.keys(clusterUrls) as (keyof typeof clusterUrls)[]
  const given = names.filter((name) => plain[name] !== undefined)
  if (given.length === 0) return []
  const problems = names
    .filter((name) => plain[name] === undefined)
    .map((name): Problem => {
      const says = `${variableOf(name)} is missing: a cluster takes all three addresses.`
      return { of: [name], says }
    })
  for (const name of given) {
    if (clusterUrls[name].test(plain[name]!)) continue
    const says = `${variableOf(name)} is not an address of its kind; see docs/configuration.md.`
    problems.push({ of: [name], says })
  }
  if (plain.secret === undefined) {
    const says = 'PABAL_SECRET is missing: all processes of a cluster need the same.'
    problems.push({ of: ['secret'], says })
  }
  if (plain.natsCredentialsFile !== undefined && withUser.test(plain.natsUrl ?? '')) {
    const says =
      'PABAL_NATS_CREDENTIALS_FILE and a user in PABAL_NATS_URL are both set; one is enough.'
    problems.push({ of: ['natsCredentialsFile', 'natsUrl'], says })
  }
  if (plain.natsReplicas % 2 === 0) {
    const says = 'PABAL_NATS_REPLICAS is even; take 1, 3 or 5.'
    problems.push({ of: ['natsReplicas'], says })
  }
  return problems
}

const allProblems = (plain: Settings): Problem[] => {
  const problems = [...groupProblems(plain), ...clusterProblems(plain)]
  for (const [a, b] of [
    ['apnsKeyFile', 'apnsKey'],
    ['fcmServiceAccountFile', 'fcmServiceAccount'],
  ] as const) {
    if (plain[a] === undefined || plain[b] === undefined) continue
    const says = `${variableOf(a)} and ${variableOf(b)} are both set; one is enough.`
    problems.push({ of: [a, b], says })
  }
  for (const channel of ['push', 'sms', 'email'] as const) {
    const of = [`${channel}BackoffCapMs`, `${channel}BackoffBaseMs`] as const
    if (plain[of[0]] >= plain[of[1]]) continue
    problems.push({ of, says: `${variableOf(of[0])} is less than ${variableOf(of[1])}.` })
  }
  if (plain.secret !== undefined && plain.secret.length < 32) {
    problems.push({ of: ['secret'], says: 'PABAL_SECRET has fewer than 32 characters.' })
  }
  if (plain.metricsToken !== undefined && plain.metricsToken.length < 16) {
    const says = 'PABAL_METRICS_TOKEN has fewer than 16 characters.'
    problems.push({ of: ['metricsToken'], says })
  }
  return problems
}

/**
 * Everything that cannot be so together, each in a sentence. `wrong`: settings that are not even of their type, of
 * which that much is said already; nothing follows from their values.
 */
export const contradictions = (plain: Settings, wrong: ReadonlySet<string>): readonly string[] =>
  allProblems(plain)
    .filter(({ of }) => !of.some((name) => wrong.has(name)))
    .map(({ says }) => says)
