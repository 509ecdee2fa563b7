import { BACKWARDS, END } from '@eventstore/db-client'
import { standingStream, whyUnfit } from '#domain/log/log.ts'
import type { Clock } from '#ports/clock.ts'
import { StartRefused } from '#ports/errors.ts'
import type { RecordedEvent } from '#ports/event-store.ts'
import type { Finding } from '#ports/finding.ts'
import { type Connection, parseConnectionUrl } from './connection-url.ts'
import { decodeEvent } from './envelope.ts'
import { isAbsent, isAccessDenied } from './failures.ts'
import { type AppendKind, NodeClient } from './node-client.ts'
import { getHttp } from './server-http.ts'
import { within } from './timing.ts'

export interface InspectOptions {
  readonly url: string
  readonly append: AppendKind
  readonly clock: Clock
  /** What is in the log is looked at, too. One notification is one stream; `undefined`: nobody knows how many. */
  readonly contents?: { readonly expectedStreams: () => Promise<number | undefined> } | undefined
  /** For each question; default 5 s. */
  readonly timeoutMs?: number
}

const timeoutDefaultMs = 5_000
/** The first that says when a subscription has caught up. */
const versionMin = [23, 10] as const
/** A process whose clock is further off takes no work. */
const clockDifferenceMaxMs = 5_000
/** The server's default. */
const streamFilterDefault = 256_000_000

const finding = (level: Finding['level'], code: string, message: string): Finding => ({
  subject: 'log',
  level,
  code,
  message,
})
const ok = (message: string): Finding => finding('ok', 'ok', message)

const inspectLeader = async (
  client: NodeClient,
  { display }: Connection,
  ask: <T>(work: Promise<T>) => Promise<T>,
): Promise<Finding> => {
  const read = async (): Promise<void> => {
    const options = { direction: BACKWARDS, fromPosition: END, maxCount: 1 } as const
    for await (const _event of client.readAll({ ...options, requiresLeader: true }));
  }
  try {
    // A node that does not lead names the one that does, and the client goes there.
    await ask(read().catch((error) => (isAccessDenied(error) ? Promise.reject(error) : read())))
    return ok(`${display} answers, its leader is reached, and lets us in.`)
  } catch (error) {
    return isAccessDenied(error)
      ? finding(
          'wrong',
          'eventstore/access-denied',
          `${display} refuses our user: check the user and password in PABAL_EVENTSTORE_URL; it has to be allowed to read $all.`,
        )
      : finding(
          'wrong',
          'eventstore/unreachable',
          `${display} does not answer as a leader: check PABAL_EVENTSTORE_URL, tls= in it, and whether the server runs.`,
        )
  }
}

/** `24.10.4.0` or `25.1.0-rc.1`; `undefined` for what is no such version. */
const numbersOf = (version: string): readonly [number, number] | undefined => {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? []
  return major === undefined ? undefined : [Number(major), Number(minor)]
}

const inspectVersion = (version: string): Finding => {
  const numbers = numbersOf(version)
  if (numbers === undefined)
    return finding(
      'warning',
      'eventstore/version-unknown',
      'EventStoreDB does not tell its version. Pabal is made for 23.10 and newer.',
    )
  const [major, minor] = numbers
  const isOld = major < versionMin[0] || (major === versionMin[0] && minor < versionMin[1])
  return isOld
    ? finding(
        'wrong',
        'eventstore/version',
        `EventStoreDB ${version} is too old: take 23.10 or newer, best 24.10 or KurrentDB.`,
      )
    : ok(`EventStoreDB ${version}.`)
}

const inspectFeatures = async (
  client: NodeClient,
  append: AppendKind,
  ask: <T>(work: Promise<T>) => Promise<T>,
): Promise<readonly Finding[]> => {
  try {
    const version = inspectVersion(await ask(client.serverVersion()))
    if (append === 'classic' || (await ask(client.takesBatches()))) return [version]
    const missing = 'EventStoreDB does not append in batches: set the appends to classic.'
    return [version, finding('wrong', 'eventstore/no-batches', missing)]
  } catch {
    const message = 'EventStoreDB does not tell its version and features; it may be starting.'
    return [finding('warning', 'eventstore/version-unknown', message)]
  }
}

const inspectClock = async (connection: Connection, clock: Clock): Promise<Finding> => {
  const before = clock.now()
  const answer = await getHttp(connection, '/ping')
  const after = clock.now()
  if (answer?.date === undefined) return ok('The clock of EventStoreDB could not be read.')
  // Whole seconds: what may be rounding is not held against it.
  const offMs = Math.max(0, before - answer.date - 1_000, answer.date - after)
  return offMs > clockDifferenceMaxMs
    ? finding(
        'wrong',
        'eventstore/clock',
        `The clocks of this machine and of EventStoreDB differ by ${Math.round(offMs / 1_000)} s: run NTP on both.`,
      )
    : ok('The clocks of this machine and of EventStoreDB agree.')
}

interface ServerOption {
  readonly name: string
  readonly value: string
}

const streamFilterOf = (body: string): number | undefined => {
  try {
    const options = JSON.parse(body) as readonly ServerOption[]
    const found = options.find(({ name }) => name === 'StreamExistenceFilterSize')
    return found === undefined ? undefined : Number(found.value)
  } catch {
    return undefined
  }
}

const inspectStreamFilter = async (
  connection: Connection,
  expectedStreams: number | undefined,
): Promise<Finding> => {
  if (expectedStreams === undefined)
    return ok(
      'Whether StreamExistenceFilterSize is enough is not judged: no read model has counted the notifications. --streams says how many there are to be.',
    )
  const answer = await getHttp(connection, '/info/options')
  const told = answer?.status === 200 ? streamFilterOf(answer.body) : undefined
  const size = told ?? streamFilterDefault
  const source = told === undefined ? 'as its default, for it does not tell us' : 'as it is set'
  if (size >= expectedStreams)
    return ok(
      `StreamExistenceFilterSize (${size}, ${source}) is enough for ${expectedStreams} streams.`,
    )
  return finding(
    'warning',
    'eventstore/stream-filter',
    `EventStoreDB's StreamExistenceFilterSize is ${size} (${source}), and ${expectedStreams} streams are expected: ` +
      'set it to that number of bytes, or each first append looks for its stream in the index on the disk.',
  )
}

const isLoopback = (address: string): boolean =>
  address === 'localhost' || address.startsWith('127.') || address === '[::1]'

const inspectSecurity = ({ tls, hosts, credentials, display }: Connection): readonly Finding[] => {
  if (tls || hosts.every(({ address }) => isLoopback(address))) return []
  const lost = credentials === undefined ? '' : ', and the user and password are not even sent'
  return [
    finding(
      'warning',
      'eventstore/insecure',
      `${display} is spoken to without TLS${lost}: whoever sees the network reads and writes the log. Set tls=true.`,
    ),
  ]
}

/** Opening the log would say this too, but give an empty one its id. */
const inspectStanding = async (client: NodeClient): Promise<readonly Finding[]> => {
  const facts: RecordedEvent[] = []
  try {
    for await (const resolved of client.readStream(standingStream, { requiresLeader: true })) {
      const fact = decodeEvent(resolved)
      if (fact !== undefined) facts.push(fact)
    }
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
  const unfit = whyUnfit(facts)
  return unfit === undefined ? [] : [finding('wrong', unfit.code, unfit.message)]
}

/** Looks at the server without writing anything. Never throws. */
export const inspectEventStoreDb = async (options: InspectOptions): Promise<readonly Finding[]> => {
  const { url, append, clock, contents, timeoutMs = timeoutDefaultMs } = options
  let client: NodeClient | undefined
  try {
    const connection = parseConnectionUrl(url)
    client = new NodeClient({ connection, append, purpose: 'read' })
    const ask = <T>(work: Promise<T>): Promise<T> => within(clock, timeoutMs, work)
    const leader = await inspectLeader(client, connection, ask)
    const findings = [leader, ...inspectSecurity(connection)]
    if (leader.level !== 'ok') return findings
    findings.push(...(await inspectFeatures(client, append, ask)))
    findings.push(await inspectClock(connection, clock))
    if (contents === undefined) return findings
    findings.push(...(await ask(inspectStanding(client))))
    findings.push(await inspectStreamFilter(connection, await contents.expectedStreams()))
    return findings
  } catch (error) {
    const { code, message } =
      error instanceof StartRefused
        ? error
        : { code: 'eventstore/unreachable', message: 'EventStoreDB could not be examined.' }
    return [finding('wrong', code, message)]
  } finally {
    await client?.close()
  }
}
