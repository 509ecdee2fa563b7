import { readFileSync, writeFileSync } from 'node:fs'
import { settings, variableOf } from '../src/config.ts'
import { telemetryFile, telemetryPage } from './metrics-table.ts'

// Writes what follows from the schema of the settings: docs/configuration.md (its tables), .env.example and
// the table of docs/telemetry.md.
// Run it with: npm run docs

interface Setting {
  readonly name: string
  readonly description: string
  readonly default?: string | number
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
  readonly secret?: true
}

const all: readonly Setting[] = Object.entries(settings.properties).map(([name, schema]) => ({
  name,
  ...(schema as unknown as Omit<Setting, 'name'>),
}))

/** By the names of settings, in the order in which they are shown; the first that fits counts. */
const groups: readonly (readonly [title: string, names: RegExp])[] = [
  [
    'Service',
    /^(?:roles|host|port|publicUrl|dataDir|logLevel|secret|categories|rateLimitPerSecond|metricsToken)$/,
  ],
  ['Cluster', /^(?:eventstore|nats|mongodb)/],
  ['Work at the same time', /Slots$/],
  ['Recovery', /^recovery/],
  ['Push', /^push/],
  ['SMS', /^sms/],
  ['E-mail', /^email/],
  ['Apple (APNs)', /^apns/],
  ['Google (FCM)', /^fcm/],
  ['Twilio', /^twilio/],
  ['SendGrid', /^sendgrid/],
  ['Sandbox', /^sandbox/],
]

const groupOf = (name: string): string => {
  const found = groups.find(([, names]) => names.test(name))
  if (found) return found[0]
  throw new Error(`docs/generate.ts has no group for the setting ${name}.`)
}

const inGroups = (): readonly (readonly [string, readonly Setting[]])[] =>
  groups.map(([title]) => [title, all.filter(({ name }) => groupOf(name) === title)])

const units = [
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const

/** Milliseconds as people say them; nothing where that is no shorter. */
const spoken = (name: string, value: number): string => {
  if (!name.endsWith('Ms')) return ''
  const [size, unit] = units.find(([each]) => value >= each && value % each === 0) ?? []
  return size === undefined ? '' : ` (${value / size} ${unit})`
}

const shown = (name: string, value: string | number): string =>
  typeof value === 'number' ? `${value}${spoken(name, value)}` : `\`${value}\``

const defaultOf = (setting: Setting): string => {
  if (setting.secret) return 'none; **secret**'
  return setting.default === undefined ? 'none' : shown(setting.name, setting.default)
}

const limitsOf = ({ name, minimum, exclusiveMinimum, maximum }: Setting): string => {
  if (maximum === undefined) return ''
  if (exclusiveMinimum !== undefined) return `more than ${exclusiveMinimum}, to ${maximum}`
  return `${minimum}${spoken(name, minimum!)} to ${maximum}${spoken(name, maximum)}`
}

const tables = (): string =>
  inGroups()
    .map(([title, members]) => {
      const rows = members.map((each) => {
        const cells = [defaultOf(each), limitsOf(each), each.description.replaceAll('|', '\\|')]
        return `| \`${variableOf(each.name)}\` | ${cells.join(' | ')} |`
      })
      const head = '| Variable | Default | Limits | Meaning |\n|---|---|---|---|'
      return `### ${title}\n\n${head}\n${rows.join('\n')}\n`
    })
    .join('\n')

const begin = '<!-- settings: made by npm run docs, do not edit -->'
const end = '<!-- end of settings -->'

/** The page with its tables as the schema has them now; all around them stays. */
export const configurationPage = (page: string): string => {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error('docs/configuration.md has lost its marks.')
  return `${page.slice(0, from)}${begin}\n\n${tables()}\n${page.slice(to)}`
}

const envHead = `# Every setting of Pabal with its default. Made by npm run docs: do not edit, copy it.
# Pabal reads its environment, not this file. Hand a copy to Docker (--env-file), to systemd (EnvironmentFile=),
# or to a shell:  set -a; . ./.env; set +a; ./pabal start
`

const envLines = (setting: Setting): string => {
  const { name, description } = setting
  const notes = [setting.secret && 'Secret.', limitsOf(setting) && `Allowed: ${limitsOf(setting)}.`]
  const comment = [description, ...notes].filter(Boolean).join(' ')
  return `# ${comment}\n#${variableOf(name)}=${setting.default ?? ''}\n`
}

export const envExample = (): string =>
  [
    envHead,
    ...inGroups().map(
      ([title, members]) => `# --- ${title} ---\n\n${members.map(envLines).join('\n')}`,
    ),
  ].join('\n')

export const pageFile = new URL('configuration.md', import.meta.url)
export const envFile = new URL('../.env.example', import.meta.url)

if (import.meta.main) {
  writeFileSync(pageFile, configurationPage(readFileSync(pageFile, 'utf8')))
  writeFileSync(envFile, envExample())
  writeFileSync(telemetryFile, telemetryPage(readFileSync(telemetryFile, 'utf8')))
}
