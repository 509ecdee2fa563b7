import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js'
import { type ServerErrorResponse, status } from '@grpc/grpc-js'
import type { LoggedEvent } from './event-log.ts'
import { readFaults } from './faults.ts'
import { drained, type ReadCall } from './read-call.ts'
import { isLetIn, type Serving } from './serving.ts'
import { subscribe } from './subscriptions.ts'
import { failure, messages, notLeader, streamDeleted, textOf } from './wire.ts'

const chunkEvents = 500
/** Beyond it numbers are not exact, and no log of a test gets there. */
const farthest = Number.MAX_SAFE_INTEGER

const countOf = (options: ReadReq.Options): number =>
  Math.min(Number(options.getCount() || farthest), farthest)

type Direction = 'forwards' | 'backwards'
type Page = readonly LoggedEvent[] | 'deleted' | undefined

const allPages = (serving: Serving, options: ReadReq.Options, direction: Direction) => {
  const asked = options.getAll()
  const given = asked?.getPosition()?.getCommitPosition()
  let from = asked?.hasEnd() ? farthest : Number(given ?? 0)
  return (limit: number): Page => {
    const page = serving.log.all(from, direction, limit)
    const last = page.at(-1)?.position ?? from
    from = direction === 'forwards' ? last + 1 : last
    return page
  }
}

const streamPages = (serving: Serving, options: ReadReq.Options, direction: Direction) => {
  const asked = options.getStream()
  const name = textOf(asked?.getStreamIdentifier()?.getStreamName() ?? '')
  let from = asked?.hasEnd() ? farthest : Math.min(Number(asked?.getRevision() || 0), farthest)
  const page = (limit: number): Page => {
    const found = serving.log.stream(name, from, direction, limit)
    const last = Array.isArray(found) ? found.at(-1)?.revision : undefined
    if (last !== undefined) from = direction === 'forwards' ? last + 1 : last - 1
    return found
  }
  return { name, page }
}

const read = async (serving: Serving, call: ReadCall, options: ReadReq.Options): Promise<void> => {
  const direction = options.getReadDirection() === 1 ? 'backwards' : 'forwards'
  const stream = options.hasStream() ? streamPages(serving, options, direction) : undefined
  const page = stream?.page ?? allPages(serving, options, direction)
  let first = true
  for (let left = countOf(options); left > 0 && !call.cancelled; ) {
    const limit = Math.min(left, chunkEvents)
    const found = page(limit)
    if (found === 'deleted') return void call.emit('error', streamDeleted(stream?.name ?? ''))
    if (found === undefined) {
      if (first) call.write(messages.notFound(stream?.name ?? ''))
      break
    }
    first = false
    for (const { wire } of found) if (!call.write(wire)) await drained(call)
    left -= found.length
    if (found.length < limit) break
  }
  call.end()
}

const refusalOf = (
  serving: Serving,
  call: ReadCall,
): ServerErrorResponse | 'silent' | undefined => {
  const options = call.request.getOptions()
  const name = textOf(options?.getStream()?.getStreamIdentifier()?.getStreamName() ?? '')
  const fault = serving.faults.take(readFaults, name)
  const leader = serving.leader()
  const requiresLeader = call.metadata.get('requires-leader')[0] === 'true'
  if (leader !== undefined && requiresLeader) return notLeader(leader.host, leader.port)
  if (fault?.kind === 'read-not-leader') return notLeader('127.0.0.1', fault.after ?? 1)
  const letIn = isLetIn(serving.credentials, call.metadata.get('authorization')[0])
  if (fault?.kind === 'read-access-denied' || !letIn)
    return failure(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' })
  if (fault?.kind === 'read-unavailable') return failure(status.UNAVAILABLE, 'Server Is Not Ready')
  return fault?.kind === 'read-no-reply' ? 'silent' : undefined
}

export const readCall =
  (serving: Serving) =>
  (call: ReadCall): void => {
    call.on('error', () => undefined)
    const refusal = refusalOf(serving, call)
    const options = call.request.getOptions()
    if (refusal === 'silent' || options === undefined) return
    if (refusal !== undefined) return void call.emit('error', refusal)
    if (options.hasSubscription()) {
      void subscribe(serving, call, options)
      return
    }
    serving.counts.reads++
    void read(serving, call, options)
  }
