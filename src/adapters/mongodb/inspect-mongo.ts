import type { Db, Document, MongoClient } from 'mongodb'
import type { Clock } from '#ports/clock.ts'
import type { CollectionDeclaration } from '#ports/document-store.ts'
import { StartRefused } from '#ports/errors.ts'
import type { Finding } from '#ports/finding.ts'
import { indexStateOf } from './collection-indexes.ts'
import { createClient, databaseOf, shown, within } from './connect.ts'
import { asPortError } from './mongo-errors.ts'
import { refusalOf } from './refusal.ts'
import { greet, timeOf } from './server-clock.ts'
import { collectionNameOf } from './stored-document.ts'

export interface InspectMongoOptions {
  readonly url: string
  readonly clock: Clock
  /** A server that is alone is `wrong`, not only a `warning`. */
  readonly demandReplicaSet?: boolean
  /** Those whose indexes are looked at; asked for once the server is known to answer. */
  readonly collections?: () => Promise<readonly CollectionDeclaration[]>
  /** Of each question, milliseconds. */
  readonly timeoutMs?: number
}

const defaults = { timeoutMs: 5_000 } as const
/** Of those that are asked of a server known to answer. */
const questionMs = 5_000
/** Above this a process takes no work. */
const clockDifferenceMaxMs = 5_000
const oldest = [4, 4] as const

const finding = (level: Finding['level'], code: string, message: string): Finding => ({
  subject: 'documents',
  level,
  code,
  message,
})
const ok = (message: string): Finding => finding('ok', 'ok', message)

/** What `buildInfo` says of the server's version. */
export const versionFinding = (info: Document): Finding => {
  // FerretDB 1 says its version so, FerretDB 2 in an object of its name.
  if (info.ferretdbVersion !== undefined)
    return finding(
      'wrong',
      'documents/version',
      'This is FerretDB 1: it lets two writers replace the same version of a document, so leases and ' +
        'checkpoints would not hold. Use FerretDB 2 or MongoDB.',
    )
  const name = info.ferretdb === undefined ? 'MongoDB' : 'FerretDB, as MongoDB'
  const [major = 0, minor = 0] = String(info.version).split('.').map(Number)
  const isOld = major < oldest[0] || (major === oldest[0] && minor < oldest[1])
  if (!isOld) return ok(`${name} ${info.version} answers.`)
  return finding(
    'wrong',
    'documents/version',
    `${name} ${info.version} is older than 4.4. Use a newer server.`,
  )
}

const kindOf = (hello: Document, demandReplicaSet: boolean): Finding => {
  if (hello.setName !== undefined) return ok(`It is a member of the replica set ${hello.setName}.`)
  if (hello.msg === 'isdbgrid') return ok('It is a router of a sharded cluster.')
  return finding(
    demandReplicaSet ? 'wrong' : 'warning',
    'documents/standalone',
    'The MongoDB server is alone: what a majority should confirm is confirmed by it only, and its loss takes ' +
      'the read models, which are then built again from the log. Make it a replica set.',
  )
}

const journalOf = async (db: Db): Promise<readonly Finding[]> => {
  let options: Document
  try {
    options = await db.command({ getCmdLineOpts: 1 })
  } catch {
    // Hosted and other servers do not tell; a write that asks for the journal then says it.
    return []
  }
  const isOff = options.parsed?.storage?.journal?.enabled === false
  const engine = options.parsed?.storage?.engine
  if (!isOff && engine !== 'ephemeralForTest' && engine !== 'inMemory') return []
  const message =
    'The MongoDB server keeps no journal: a crash takes what it had confirmed. Turn it on.'
  return [finding('wrong', 'documents/no-journal', message)]
}

const clockOf = async (client: MongoClient, clock: Clock): Promise<Finding> => {
  const { now, uncertaintyMs } = await timeOf(client, clock, within(questionMs))
  const difference = Math.round(clock.now() - now)
  const about = `${Math.abs(difference)} ms (known to ${Math.ceil(uncertaintyMs)} ms)`
  const direction = difference < 0 ? 'behind' : 'ahead of'
  if (Math.abs(difference) - uncertaintyMs <= clockDifferenceMaxMs)
    return ok(`This machine's clock is ${about} ${direction} MongoDB's.`)
  return finding(
    'wrong',
    'documents/clock',
    `This machine's clock is ${about} ${direction} MongoDB's; more than ${clockDifferenceMaxMs} ms and it ` +
      'takes no work. Synchronise both clocks (NTP).',
  )
}

const indexesOf = async (
  db: Db,
  collection: CollectionDeclaration,
): Promise<readonly Finding[]> => {
  const { missing, changed } = await indexStateOf(db, collection, within(questionMs))
  const name = collectionNameOf(collection)
  if (changed.length > 0)
    return [
      finding(
        'wrong',
        'store/index-changed',
        `${name}: the indexes ${changed.join(', ')} are not as declared. Drop the collection: it is ` +
          'built again from the log.',
      ),
    ]
  if (missing.length === 0) return []
  const message = `${name} lacks ${missing.length} of its indexes: ${missing.join(', ')}. They are made at first use.`
  return [finding('warning', 'documents/index-missing', message)]
}

const examine = async (
  client: MongoClient,
  options: InspectMongoOptions,
): Promise<readonly Finding[]> => {
  const { clock, url, demandReplicaSet = false, collections } = options
  const db = client.db(databaseOf(url))
  await client.connect()
  // Needs the rights that the service needs; connecting alone does not.
  await db.command({ listCollections: 1, nameOnly: true })
  const findings = [
    versionFinding(await db.command({ buildInfo: 1 })),
    kindOf(await greet(client, within(questionMs)), demandReplicaSet),
    ...(await journalOf(client.db('admin'))),
    await clockOf(client, clock),
  ]
  for (const collection of (await collections?.()) ?? [])
    findings.push(...(await indexesOf(db, collection)))
  return findings
}

/** Looks at everything a start needs of MongoDB and changes nothing. Throws only for a bug. */
export const inspectMongo = async (options: InspectMongoOptions): Promise<readonly Finding[]> => {
  const { url, timeoutMs = defaults.timeoutMs } = options
  let client: MongoClient
  try {
    client = createClient({ url, timeoutMs, connectionsMax: 1 })
  } catch (error) {
    if (error instanceof StartRefused) return [finding('wrong', error.code, error.message)]
    throw error
  }
  try {
    return [ok(`The address is ${shown(url)}.`), ...(await examine(client, options))]
  } catch (error) {
    if (asPortError(error) === error) throw error
    const { code, message } = await refusalOf(url, error, timeoutMs)
    return [finding('wrong', code, message)]
  } finally {
    await client.close()
  }
}
