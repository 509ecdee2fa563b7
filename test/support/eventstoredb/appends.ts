import shared from '@eventstore/db-client/generated/shared_pb.js'
import status from '@eventstore/db-client/generated/status_pb.js'
import type {
  AppendReq,
  AppendResp,
  BatchAppendReq,
  BatchAppendResp,
  DeleteReq,
  DeleteResp,
  TombstoneReq,
  TombstoneResp,
} from '@eventstore/db-client/generated/streams_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import {
  status as grpcStatus,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type ServerErrorResponse,
} from '@grpc/grpc-js'
import any from 'google-protobuf/google/protobuf/any_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import type { AppendRequest, AppendResult, ExpectedRevision, ProposedEvent } from './event-log.ts'
import { appendFaults, type Fault } from './faults.ts'
import { isLetIn, type Serving } from './serving.ts'
import { failure, identifierOf, notLeader, streamDeleted, textOf } from './wire.ts'

const bytesOf = (value: Uint8Array | string): Uint8Array =>
  typeof value === 'string' ? Buffer.from(value, 'base64') : value

type Proposed = AppendReq.ProposedMessage | BatchAppendReq.ProposedMessage

const proposedOf = (message: Proposed): ProposedEvent => ({
  id: message.getId()?.getString() ?? '',
  type: message.getMetadataMap().get('type') ?? '',
  contentType: message.getMetadataMap().get('content-type') ?? '',
  data: bytesOf(message.getData()),
  metadata: bytesOf(message.getCustomMetadata()),
})

const streamOf = (options: {
  getStreamIdentifier(): { getStreamName(): Uint8Array | string } | undefined
}) => textOf(options.getStreamIdentifier()?.getStreamName() ?? '')

const expectedOf = (options: AppendReq.Options): ExpectedRevision => {
  if (options.hasAny()) return 'any'
  if (options.hasNoStream()) return 'no-stream'
  return options.hasStreamExists() ? 'stream-exists' : BigInt(options.getRevision())
}

const batchExpectedOf = (options: BatchAppendReq.Options): ExpectedRevision => {
  if (options.hasAny()) return 'any'
  if (options.hasNoStream()) return 'no-stream'
  return options.hasStreamExists() ? 'stream-exists' : BigInt(options.getStreamPosition())
}

/** An answer, an error, or (`undefined`) no answer at all. */
type Answer = AppendResult | ServerErrorResponse | undefined

const isError = (answer: AppendResult | ServerErrorResponse): answer is ServerErrorResponse =>
  answer instanceof Error

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const refusalOf = (serving: Serving, fault: Fault | undefined, metadata: Metadata): Answer => {
  const leader = serving.leader()
  const requiresLeader = metadata.get('requires-leader')[0] === 'true'
  if (leader !== undefined && requiresLeader) return notLeader(leader.host, leader.port)
  if (fault?.kind === 'not-leader') return notLeader('127.0.0.1', (fault.after ?? 0) || 1)
  if (
    fault?.kind === 'access-denied' ||
    !isLetIn(serving.credentials, metadata.get('authorization')[0])
  )
    return failure(grpcStatus.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' })
  if (fault?.kind === 'too-busy') return failure(grpcStatus.UNAVAILABLE, 'Server Is Too Busy')
  return undefined
}

/** Writes, and lets happen to it what was armed. */
const createWriting = (serving: Serving) => {
  const { log, faults } = serving
  const writtenAt = new Map<string, number>()

  const isTooEarly = (request: AppendRequest, result: AppendResult): boolean => {
    const unindexedMs = serving.unindexedMs()
    const id = request.events[0]?.id ?? ''
    if (unindexedMs === 0) return false
    if (result.is === 'written') writtenAt.set(id, performance.now())
    const first = writtenAt.get(id)
    return (
      result.is === 'repeated' && first !== undefined && performance.now() - first < unindexedMs
    )
  }

  return async (request: AppendRequest, metadata: Metadata): Promise<Answer> => {
    const fault = faults.take(appendFaults, request.stream)
    const refusal = refusalOf(serving, fault, metadata)
    if (refusal !== undefined) return refusal
    if (fault?.kind === 'lost-request') return undefined
    if (fault?.kind === 'drop-before') {
      serving.dropConnections()
      return undefined
    }
    const result = log.append(request)
    await log.committed()
    if (isTooEarly(request, result)) return undefined
    if (fault?.kind === 'drop-after') serving.dropConnections()
    if (fault?.kind === 'no-reply' || fault?.kind === 'drop-after') return undefined
    if (fault?.kind === 'late-reply') await pause(fault.ms ?? 1_000)
    return result
  }
}

const invalid = (): ServerErrorResponse =>
  failure(grpcStatus.INVALID_ARGUMENT, 'Received UUID in an invalid format')

const classicResponse = (
  request: AppendRequest,
  result: AppendResult,
): AppendResp | ServerErrorResponse => {
  switch (result.is) {
    case 'written':
    case 'repeated': {
      const position = String(result.position)
      return new streams.AppendResp().setSuccess(
        new streams.AppendResp.Success()
          .setCurrentRevision(String(result.revision))
          .setPosition(
            new streams.AppendResp.Position()
              .setCommitPosition(position)
              .setPreparePosition(position),
          ),
      )
    }
    case 'conflict': {
      const conflict = new streams.AppendResp.WrongExpectedVersion()
      if (result.current < 0) conflict.setCurrentNoStream(new shared.Empty())
      else conflict.setCurrentRevision(String(result.current))
      if (request.expected === 'no-stream') conflict.setExpectedNoStream(new shared.Empty())
      else if (request.expected === 'any') conflict.setExpectedAny(new shared.Empty())
      else if (request.expected === 'stream-exists')
        conflict.setExpectedStreamExists(new shared.Empty())
      else conflict.setExpectedRevision(String(request.expected))
      return new streams.AppendResp().setWrongExpectedVersion(conflict)
    }
    case 'deleted':
      return streamDeleted(request.stream)
    case 'too-large':
      return failure(grpcStatus.INVALID_ARGUMENT, 'Maximum Append Size Exceeded.', {
        exception: 'maximum-append-size-exceeded',
        'maximum-append-size': '1048576',
      })
    case 'bad-id':
      return invalid()
  }
}

export const appendCall = (serving: Serving): handleClientStreamingCall<AppendReq, AppendResp> => {
  const write = createWriting(serving)
  return (call, callback) => {
    serving.counts.appends++
    let options: AppendReq.Options | undefined
    const events: ProposedEvent[] = []
    call.on('data', (part: AppendReq) => {
      if (part.hasOptions()) options = part.getOptions()
      const proposed = part.getProposedMessage()
      if (proposed !== undefined) events.push(proposedOf(proposed))
    })
    call.on('error', () => undefined)
    call.on('end', async () => {
      // The reading side ends for a call that was cancelled half-way, too: what came is not all.
      await new Promise((resolve) => setImmediate(resolve))
      if (call.cancelled) return
      if (options === undefined) return callback(invalid())
      const request = { stream: streamOf(options), expected: expectedOf(options), events }
      const answer = await write(request, call.metadata)
      if (answer === undefined || call.cancelled) return
      if (isError(answer)) return callback(answer)
      const response = classicResponse(request, answer)
      if (response instanceof Error) callback(response)
      else callback(null, response as AppendResp)
    })
  }
}

const packed = (message: { serializeBinary(): Uint8Array }, name: string) => {
  const details = new any.Any()
  details.pack(message.serializeBinary(), `event_store.client.${name}`)
  return new status.Status().setDetails(details).setMessage('')
}

const batchError = (request: AppendRequest, answer: AppendResult | ServerErrorResponse) => {
  if (isError(answer)) {
    // "Too busy" comes as a message without details that the client knows.
    const busy = answer.code === grpcStatus.UNAVAILABLE
    if (busy) return packed(new shared.BadRequest().setMessage('Too busy'), 'BadRequest')
    return packed(new shared.AccessDenied(), 'AccessDenied')
  }
  if (answer.is === 'deleted')
    return packed(
      new shared.StreamDeleted().setStreamIdentifier(identifierOf(request.stream)),
      'StreamDeleted',
    )
  if (answer.is === 'too-large')
    return packed(
      new shared.MaximumAppendSizeExceeded().setMaxappendsize(1_048_576),
      'MaximumAppendSizeExceeded',
    )
  if (answer.is !== 'conflict')
    return packed(new shared.BadRequest().setMessage('Bad id'), 'BadRequest')
  const conflict = new shared.WrongExpectedVersion()
  if (answer.current < 0) conflict.setCurrentNoStream(new empty.Empty())
  else conflict.setCurrentStreamRevision(String(answer.current))
  if (request.expected === 'no-stream') conflict.setExpectedNoStream(new empty.Empty())
  else if (typeof request.expected === 'bigint')
    conflict.setExpectedStreamPosition(String(request.expected))
  else conflict.setExpectedAny(new empty.Empty())
  return packed(conflict, 'WrongExpectedVersion')
}

const batchResponse = (
  request: AppendRequest,
  answer: AppendResult | ServerErrorResponse,
  id: BatchAppendReq['getCorrelationId'],
): BatchAppendResp => {
  const response = new streams.BatchAppendResp()
    .setCorrelationId(id())
    .setStreamIdentifier(identifierOf(request.stream))
  if (isError(answer) || (answer.is !== 'written' && answer.is !== 'repeated'))
    return response.setError(batchError(request, answer))
  const position = new shared.AllStreamPosition()
    .setCommitPosition(String(answer.position))
    .setPreparePosition(String(answer.position))
  return response.setSuccess(
    new streams.BatchAppendResp.Success()
      .setCurrentRevision(String(answer.revision))
      .setPosition(position),
  )
}

/** The client names a time of day, and the server compares it with its own. */
const isLate = ({ now }: Serving, options: BatchAppendReq.Options): boolean => {
  const deadline = options.getDeadline()
  return deadline !== undefined && deadline.toDate().getTime() < now()
}

/** One stream for all appends of a client; each is answered by itself, in the order of the writes. */
export const batchAppendCall = (
  serving: Serving,
): handleBidiStreamingCall<BatchAppendReq, BatchAppendResp> => {
  const write = createWriting(serving)
  return (call) => {
    const open = new Map<string, { options: BatchAppendReq.Options; events: ProposedEvent[] }>()
    call.on('data', async (part: BatchAppendReq) => {
      const correlation = part.getCorrelationId()?.getString() ?? ''
      const options = part.getOptions()
      if (options !== undefined) open.set(correlation, { options, events: [] })
      const batch = open.get(correlation)
      if (batch === undefined) return
      batch.events.push(...part.getProposedMessagesList().map(proposedOf))
      if (!part.getIsFinal()) return
      open.delete(correlation)
      serving.counts.batchAppends++
      const { options: asked, events } = batch
      const request = { stream: streamOf(asked), expected: batchExpectedOf(asked), events }
      if (isLate(serving, asked)) {
        const response = new streams.BatchAppendResp()
          .setCorrelationId(part.getCorrelationId())
          .setStreamIdentifier(identifierOf(streamOf(asked)))
        return void call.write(response.setError(packed(new shared.Timeout(), 'Timeout')))
      }
      const answer = await write(request, call.metadata)
      if (answer === undefined || call.cancelled) return
      if (isError(answer) && answer.metadata?.get('exception')[0] === 'not-leader')
        call.emit('error', answer)
      else call.write(batchResponse(request, answer, () => part.getCorrelationId()))
    })
    call.on('error', () => undefined)
    call.on('end', () => call.end())
  }
}

type Removal = 'soft' | 'tombstone'

const remove = (serving: Serving, how: Removal, options: DeleteReq.Options | undefined) => {
  const stream = options === undefined ? '' : streamOf(options)
  const expected: ExpectedRevision = options?.hasRevision() ? BigInt(options.getRevision()) : 'any'
  const result = serving.log.remove(stream, how, expected)
  if (result.is === 'deleted') return streamDeleted(stream)
  if (result.is !== 'conflict') return undefined
  return failure(grpcStatus.FAILED_PRECONDITION, 'Append failed due to WrongExpectedVersion.', {
    exception: 'wrong-expected-version',
    'stream-name': stream,
    'expected-version': String(expected),
    'actual-version': String(result.current),
  })
}

export const deleteCall =
  (serving: Serving): handleUnaryCall<DeleteReq, DeleteResp> =>
  async (call, callback) => {
    const refusal = remove(serving, 'soft', call.request.getOptions())
    await serving.log.committed()
    callback(refusal ?? null, refusal ? null : new streams.DeleteResp())
  }

export const tombstoneCall =
  (serving: Serving): handleUnaryCall<TombstoneReq, TombstoneResp> =>
  async (call, callback) => {
    const options = call.request.getOptions() as unknown as DeleteReq.Options | undefined
    const refusal = remove(serving, 'tombstone', options)
    await serving.log.committed()
    callback(refusal ?? null, refusal ? null : new streams.TombstoneResp())
  }
