import gossip from '@eventstore/db-client/generated/gossip_pb.js'
import features from '@eventstore/db-client/generated/serverfeatures_pb.js'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import { Metadata, type ServerErrorResponse, status } from '@grpc/grpc-js'
import type { ProposedEvent } from './event-log.ts'

export const textOf = (bytes: Uint8Array | string): string =>
  (typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : Buffer.from(bytes)).toString('utf8')

export const identifierOf = (stream: string) =>
  new shared.StreamIdentifier().setStreamName(Uint8Array.from(Buffer.from(stream, 'utf8')))

/** 100 nanoseconds. */
const ticksPerMs = 10_000n

/** The `ReadResp` of an event: made once, when it is written. */
export const encodeRecorded = (
  event: ProposedEvent,
  place: { readonly stream: string; readonly revision: string; readonly position: number },
): Uint8Array => {
  const position = String(place.position)
  const recorded = new streams.ReadResp.ReadEvent.RecordedEvent()
  recorded.setId(new shared.UUID().setString(event.id))
  recorded.setStreamIdentifier(identifierOf(place.stream))
  recorded.setStreamRevision(place.revision)
  recorded.setCommitPosition(position)
  recorded.setPreparePosition(position)
  recorded.setData(event.data)
  recorded.setCustomMetadata(event.metadata)
  const metadata = recorded.getMetadataMap()
  metadata.set('type', event.type)
  metadata.set('content-type', event.contentType)
  metadata.set('created', String(BigInt(Date.now()) * ticksPerMs))
  const read = new streams.ReadResp.ReadEvent().setEvent(recorded).setCommitPosition(position)
  return new streams.ReadResp().setEvent(read).serializeBinary()
}

/** The ready messages that are no events. */
export const messages = {
  confirmation: (): Uint8Array =>
    new streams.ReadResp()
      .setConfirmation(
        new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId(crypto.randomUUID()),
      )
      .serializeBinary(),
  caughtUp: (): Uint8Array =>
    new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp()).serializeBinary(),
  checkpoint: (position: number): Uint8Array =>
    new streams.ReadResp()
      .setCheckpoint(
        new streams.ReadResp.Checkpoint()
          .setCommitPosition(String(position))
          .setPreparePosition(String(position)),
      )
      .serializeBinary(),
  notFound: (stream: string): Uint8Array =>
    new streams.ReadResp()
      .setStreamNotFound(
        new streams.ReadResp.StreamNotFound().setStreamIdentifier(identifierOf(stream)),
      )
      .serializeBinary(),
}

/** An error as the server tells it: what it means stands in the trailers. */
export const failure = (
  code: status,
  details: string,
  trailers: Readonly<Record<string, string>> = {},
): ServerErrorResponse => {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value)
  return Object.assign(new Error(details), { code, details, metadata })
}

export const notLeader = (host: string, port: number): ServerErrorResponse =>
  failure(status.NOT_FOUND, 'Leader info available', {
    exception: 'not-leader',
    'leader-endpoint-host': host,
    'leader-endpoint-port': String(port),
  })

export const streamDeleted = (stream: string): ServerErrorResponse =>
  failure(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  })

const methods: readonly (readonly [service: string, method: string, features: string[]])[] = [
  ['event_store.client.streams.streams', 'append', []],
  ['event_store.client.streams.streams', 'batchappend', ['deadline_duration']],
  ['event_store.client.streams.streams', 'read', ['position', 'events']],
  ['event_store.client.streams.streams', 'delete', []],
  ['event_store.client.streams.streams', 'tombstone', []],
  ['event_store.client.gossip.gossip', 'read', []],
  ['event_store.client.server_features.serverfeatures', 'getsupportedmethods', []],
]

export const supportedMethods = (version: string, without: readonly string[]) =>
  new features.SupportedMethods()
    .setEventStoreServerVersion(version)
    .setMethodsList(
      methods
        .filter(([, method]) => !without.includes(method))
        .map(([service, method, list]) =>
          new features.SupportedMethod()
            .setServiceName(service)
            .setMethodName(method)
            .setFeaturesList(list),
        ),
    )

export interface Member {
  readonly host: string
  readonly port: number
  readonly leads: boolean
}

export const clusterInfo = (members: readonly Member[]) =>
  new gossip.ClusterInfo().setMembersList(
    members.map(({ host, port, leads }) => {
      const { LEADER, FOLLOWER } = gossip.MemberInfo.VNodeState
      return new gossip.MemberInfo()
        .setInstanceId(new shared.UUID().setString(crypto.randomUUID()))
        .setTimeStamp(String(Date.now()))
        .setState(leads ? LEADER : FOLLOWER)
        .setIsAlive(true)
        .setHttpEndPoint(new gossip.EndPoint().setAddress(host).setPort(port))
    }),
  )
