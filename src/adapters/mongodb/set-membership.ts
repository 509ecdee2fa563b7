import type { Document } from 'mongodb'
import { createClient, within } from './connect.ts'
import { greet } from './server-clock.ts'

/** An address in its parts; `mongodb+srv://` is none of these, for no single server of it can be named. */
const form = /^mongodb:\/\/(?:[^@/]*@)?([^/?]+)(?:\/[^?]*)?(?:\?(.*))?$/s

/** What asks for a set, or for a user: a greeting needs neither. */
const leftOut: ReadonlySet<string> = new Set([
  ...['replicaset', 'loadbalanced', 'directconnection', 'readpreference', 'w'],
  ...['authsource', 'authmechanism', 'authmechanismproperties'],
])

export interface SetAsked {
  readonly set: string
  /** The addresses of its members, each alone and without the user. */
  readonly members: readonly string[]
}

/** The replica set that an address asks for with `replicaSet=`. */
export const setAskedIn = (url: string): SetAsked | undefined => {
  const [, hosts = '', query = ''] = form.exec(url) ?? []
  const options = [...new URLSearchParams(query)]
  const set = options.find(([name]) => name.toLowerCase() === 'replicaset')?.[1]
  if (hosts === '' || set === undefined) return undefined
  const kept = options.filter(([name]) => !leftOut.has(name.toLowerCase()))
  const rest = new URLSearchParams([...kept, ['directConnection', 'true']])
  return { set, members: hosts.split(',').map((host) => `mongodb://${host}/?${rest}`) }
}

type Told = readonly [code: string, message: string]

/** Why a server that greets so is not taken for a member of the set; `undefined`: it is one. */
export const whyNotOf = (hello: Document, set: string): Told | undefined => {
  if (hello.setName === set) return undefined
  if (hello.setName !== undefined)
    return [
      'documents/set-name',
      `The address asks for the replica set ${set}, and the server is a member of ${hello.setName}. Correct replicaSet= in PABAL_MONGODB_URL.`,
    ]
  if (hello.isreplicaset === true)
    return [
      'documents/not-initiated',
      'The server is to be a member of a replica set that was never begun. Call rs.initiate() on it once.',
    ]
  if (hello.msg === 'isdbgrid')
    return [
      'documents/set-name',
      'The server is a router of a sharded cluster. Take replicaSet= out of PABAL_MONGODB_URL.',
    ]
  return [
    'documents/standalone',
    `The address asks for the replica set ${set}, and the MongoDB server is alone. Start it with --replSet ${set} and call rs.initiate(), or take replicaSet= out of PABAL_MONGODB_URL.`,
  ]
}

const greeted = async (url: string, timeoutMs: number): Promise<Document | undefined> => {
  await using client = createClient({ url, timeoutMs, connectionsMax: 1 })
  try {
    return await greet(client, within(timeoutMs))
  } catch {
    // What kept us from the set keeps us from its member: the first error says so already.
    return undefined
  }
}

/**
 * With `replicaSet=` the driver forgets every server that is not of that set, and then says only that it found none.
 * So each is greeted once more, alone. `undefined`: none answers, or all are what was asked for.
 */
export const whySetIsNotFound = async (
  url: string,
  timeoutMs: number,
): Promise<Told | undefined> => {
  const asked = setAskedIn(url)
  if (asked === undefined) return undefined
  const greetings = await Promise.all(asked.members.map((one) => greeted(one, timeoutMs)))
  return greetings
    .filter((hello) => hello !== undefined)
    .map((hello) => whyNotOf(hello, asked.set))
    .find((told) => told !== undefined)
}
