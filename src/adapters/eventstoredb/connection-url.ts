import { existsSync, readFileSync } from 'node:fs'
import type { ChannelCredentialOptions, NodePreference } from '@eventstore/db-client'
import { StartRefused } from '#ports/errors.ts'

export interface Host {
  readonly address: string
  readonly port: number
}

/** What a connection string says. Never printed whole: it holds the password. */
export interface Connection {
  readonly hosts: readonly Host[]
  /** The first host is asked for the members of the cluster. */
  readonly discover: boolean
  readonly tls: boolean
  readonly credentials: { readonly username: string; readonly password: string } | undefined
  readonly certificates: ChannelCredentialOptions
  readonly options: {
    readonly connectionName?: string
    readonly keepAliveInterval?: number
    readonly keepAliveTimeout?: number
    readonly maxDiscoverAttempts?: number
    readonly discoveryInterval?: number
    readonly gossipTimeout?: number
    readonly nodePreference?: NodePreference
  }
  /** Scheme and hosts: may be printed. */
  readonly display: string
}

const portDefault = 2113
const form = /^(?:esdb|kurrentdb)(\+discover)?:\/\/(?:([^@/?]*)@)?([^@/?]+)\/?(?:\?(.*))?$/i

const refuse = (reason: string): never => {
  throw new StartRefused(
    'eventstore/url',
    `The address of EventStoreDB ${reason}. It looks like esdb://user:password@host:2113?tls=true; ` +
      'esdb+discover://, kurrentdb:// and kurrentdb+discover:// are taken as well.',
  )
}

const hostOf = (text: string): Host => {
  const match = /^([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:]+\])(?::(\d{1,5}))?$/.exec(text)
  const port = Number(match?.[2] ?? portDefault)
  if (match?.[1] === undefined || port < 1 || port > 65_535) return refuse('names no host')
  return { address: match[1], port }
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return refuse('holds a % that begins no percent-encoding')
  }
}

const credentialsOf = (text: string | undefined): Connection['credentials'] => {
  if (text === undefined) return undefined
  const colon = text.indexOf(':')
  if (colon < 1) return refuse('has a user without a password')
  return { username: decoded(text.slice(0, colon)), password: decoded(text.slice(colon + 1)) }
}

/** As the client compares them: `tlsCAFile`, `tls-ca-file` and `TLS_CA_FILE` are one. */
const flat = (name: string): string => name.toLowerCase().replace(/[_-]/g, '')

const known: ReadonlySet<string> = new Set([
  ...['tls', 'tlsverifycert', 'tlscafile', 'usercertfile', 'userkeyfile', 'connectionname'],
  ...['keepaliveinterval', 'keepalivetimeout', 'maxdiscoverattempts', 'discoveryinterval'],
  ...['gossiptimeout', 'nodepreference', 'defaultdeadline', 'throwonappendfailure'],
])

const parametersOf = (query: string | undefined): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  for (const pair of (query ?? '').split('&').filter((each) => each !== '')) {
    const [name = '', value = ''] = pair.split('=', 2)
    // The client would only print a warning: `tsl=false` must not mean TLS.
    if (!known.has(flat(name))) refuse(`has the unknown setting ${name.slice(0, 40)}`)
    found.set(flat(name), decoded(value))
  }
  return found
}

const preferences: Readonly<Record<string, NodePreference>> = {
  leader: 'leader',
  follower: 'follower',
  readonlyreplica: 'read_only_replica',
  random: 'random',
}

const fileOf = (path: string | undefined): Buffer | undefined => {
  if (path === undefined) return undefined
  if (!existsSync(path)) return refuse(`names the file ${path}, which is not there`)
  return readFileSync(path)
}

/** Throws `StartRefused` (`eventstore/url`), whose message repeats nothing secret. */
export const parseConnectionUrl = (url: string): Connection => {
  const [matched, discover, user, list, query] = form.exec(url.trim()) ?? []
  if (matched === undefined) return refuse('is not understood')
  const hosts = (list ?? '').split(',').map(hostOf)
  const parameters = parametersOf(query)
  const flag = (name: string, initial: boolean): boolean => {
    const value = parameters.get(name)?.toLowerCase() ?? String(initial)
    return value === 'true' || value === 'false'
      ? value === 'true'
      : refuse(`says ${name}=${value}`)
  }
  const number = (name: string): number | undefined => {
    const value = parameters.get(name)
    if (value === undefined) return undefined
    return /^-?\d{1,9}$/.test(value) ? Number(value) : refuse(`says ${name}=${value}`)
  }
  const tls = flag('tls', true)
  if (!flag('tlsverifycert', true) && tls)
    refuse('says tlsVerifyCert=false, which has no effect: name the authority in tlsCAFile')
  const preference = parameters.get('nodepreference')
  const nodePreference = preference === undefined ? 'leader' : preferences[flat(preference)]
  if (nodePreference === undefined) return refuse(`says nodePreference=${preference}`)
  const rootCertificate = fileOf(parameters.get('tlscafile'))
  const userCertFile = fileOf(parameters.get('usercertfile'))
  const userKeyFile = fileOf(parameters.get('userkeyfile'))
  if ((userCertFile === undefined) !== (userKeyFile === undefined))
    refuse('has only one of userCertFile and userKeyFile')
  const options = {
    connectionName: parameters.get('connectionname'),
    keepAliveInterval: number('keepaliveinterval'),
    keepAliveTimeout: number('keepalivetimeout'),
    maxDiscoverAttempts: number('maxdiscoverattempts'),
    discoveryInterval: number('discoveryinterval'),
    gossipTimeout: number('gossiptimeout'),
    nodePreference,
  }
  const given = <T extends object>(values: T): T =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
  const names = hosts.map(({ address, port }) => `${address}:${port}`).join(',')
  return {
    hosts,
    discover: discover !== undefined,
    tls,
    credentials: credentialsOf(user),
    certificates: given({ rootCertificate, userCertFile, userKeyFile }) as ChannelCredentialOptions,
    options: given(options) as Connection['options'],
    display: `esdb${discover ?? ''}://${names}`,
  }
}
