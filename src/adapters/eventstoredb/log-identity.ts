import { jsonEvent, NO_STREAM } from '@eventstore/db-client'
import type { Random } from '#ports/random.ts'
import { identityStream } from './envelope.ts'
import { certainFailure, isAbsent, isAccessDenied } from './failures.ts'
import type { NodeClient } from './node-client.ts'

const type = 'LogCreated'

const readIdentity = async (client: NodeClient): Promise<string | undefined> => {
  try {
    const options = { maxCount: 1, requiresLeader: true } as const
    let found: unknown
    // To its end: a reading that is left half-way is never over for the client.
    for await (const { event } of client.readStream(identityStream, options)) found = event?.data
    if (found === undefined) return undefined
    const { logId } = found as { readonly logId?: unknown }
    if (typeof logId === 'string') return logId
    throw new TypeError(`The stream ${identityStream} holds something else than the log's id.`)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/**
 * The id that names this log for ever: the first event of `pabal-log`. Made when there is none; of two that
 * make it at once one wins, and both use that one's.
 */
export const identify = async (
  client: NodeClient,
  random: Random,
  tryMs: number,
): Promise<string> => {
  const known = await readIdentity(client)
  if (known !== undefined) return known
  const event = jsonEvent({ id: random.uuid(), type, data: { logId: random.uuid() } })
  try {
    await client.appendToStream(identityStream, event, {
      expectedRevision: NO_STREAM,
      requiresLeader: true,
      deadline: client.appendDeadline(tryMs),
    })
  } catch (error) {
    // Whether somebody else made it or ours was stored without a word: the stream says it.
    if (certainFailure(error, identityStream) === undefined || isAccessDenied(error)) throw error
  }
  const made = await readIdentity(client)
  if (made === undefined) throw new Error(`The stream ${identityStream} was removed.`)
  return made
}
