import type {
  JetStreamAccountStats,
  JetStreamManager,
  NatsConnection,
  ServerInfo,
  StreamInfo,
} from 'nats'
import type { Clock } from '#ports/clock.ts'
import { StartRefused } from '#ports/errors.ts'
import type { Finding } from '#ports/finding.ts'
import { isApiError, isWithoutJetStream, streamNotFound } from './api-errors.ts'
import { connectNats, type NatsOptions } from './connecting.ts'
import { isAtLeast } from './versions.ts'
import { workStream } from './work-subjects.ts'

export interface InspectNatsOptions extends NatsOptions {
  /** Copies of the stream that are asked for. */
  readonly replicas: number
  readonly clock: Pick<Clock, 'now'>
}

const answerWaitMs = 5_000
const clockDifferenceMaxMs = 1_000
const storageUsedMax = 0.8

const finding = (level: Finding['level'], code: string, message: string): Finding => ({
  subject: 'queue',
  level,
  code,
  message,
})

const ofVersion = (version: string): readonly Finding[] => {
  if (!isAtLeast(version, '2.9.4')) {
    const message = `nats-server ${version} is too old: pull consumers need 2.9.4. Use 2.12 or newer.`
    return [finding('wrong', 'queue/version-too-old', message)]
  }
  if (!isAtLeast(version, '2.10.0')) {
    const message = `nats-server ${version} writes to its disk only every two minutes. Work lost in a power failure comes back from the log, later. Use 2.12 or newer with "sync_interval: always" (deploy/nats).`
    return [finding('warning', 'queue/syncs-late', message)]
  }
  const message = `nats-server ${version} answers. Whether it has "sync_interval: always" no client can see: compare its configuration with deploy/nats.`
  return [finding('ok', 'ok', message)]
}

const ofStorage = ({ storage, limits }: JetStreamAccountStats): readonly Finding[] => {
  const max = limits.max_storage
  if (max <= 0 || storage / max < storageUsedMax) return []
  const message = `JetStream's storage is used to ${Math.round((storage / max) * 100)} % (${storage} of ${max} bytes). Give the account more before it refuses work.`
  return [finding('warning', 'queue/storage-low', message)]
}

/**
 * Whether so many copies can be. Only of a single server is that certain: a cluster forgets the addresses of a member
 * that is away, and with `no_advertise` tells none; a start must not depend on all members being there.
 */
export const ofReplicas = (
  { cluster, connect_urls: urls = [] }: Partial<ServerInfo>,
  replicas: number,
): readonly Finding[] => {
  if (cluster === undefined) {
    if (replicas === 1) return []
    const message = `${replicas} copies of the queue are asked for on a single server. Set PABAL_NATS_REPLICAS=1, or add servers.`
    return [finding('wrong', 'queue/replicas-impossible', message)]
  }
  const servers = new Set(urls).size
  if (servers === 0) {
    const message = `The cluster does not tell how many servers it has (no_advertise). ${replicas} should keep the queue.`
    return [finding('ok', 'ok', message)]
  }
  if (replicas > servers) {
    const message = `${replicas} copies of the queue are asked for, and the cluster tells of ${servers} servers now. Look for the one that is down; if it never had more, set PABAL_NATS_REPLICAS to at most ${servers}.`
    return [finding('warning', 'queue/servers-missing', message)]
  }
  if (replicas === 1 && servers >= 3) {
    const message = `The queue has one copy in a cluster of ${servers}: with its server it stops. Set PABAL_NATS_REPLICAS=3.`
    return [finding('warning', 'queue/not-replicated', message)]
  }
  return []
}

/** Servers since 2.10 tell their time with the stream. */
const ofClock = (stream: StreamInfo, sentAt: number, gotAt: number): readonly Finding[] => {
  const told = (stream as { readonly ts?: string }).ts
  if (told === undefined) return []
  const difference = Math.round(Date.parse(told) - (sentAt + gotAt) / 2)
  if (Math.abs(difference) <= clockDifferenceMaxMs + (gotAt - sentAt) / 2) return []
  const message = `The clock of NATS is ${Math.abs(difference)} ms ${difference > 0 ? 'ahead of' : 'behind'} ours: ages of waiting work are wrong by that. Synchronise both (NTP).`
  return [finding('warning', 'queue/clock-differs', message)]
}

const ofStream = async (
  manager: JetStreamManager,
  clock: Pick<Clock, 'now'>,
): Promise<readonly Finding[]> => {
  const sentAt = clock.now()
  const stream = await manager.streams.info(workStream).catch((error: unknown) => {
    if (isApiError(error, streamNotFound)) return undefined
    throw error
  })
  if (stream === undefined) return []
  const offline = (stream.cluster?.replicas ?? []).filter((each) => each.offline || !each.current)
  const behind = offline.map((each) =>
    finding(
      'warning',
      'queue/replica-behind',
      `The copy of the queue on ${each.name} is ${each.offline ? 'offline' : 'not up to date'}.`,
    ),
  )
  return [...behind, ...ofClock(stream, sentAt, clock.now())]
}

const ofJetStream = async (
  connection: NatsConnection,
  { replicas, clock }: InspectNatsOptions,
  shown: string,
): Promise<readonly Finding[]> => {
  try {
    const manager = await connection.jetstreamManager({ timeout: answerWaitMs, checkAPI: false })
    const account = await manager.getAccountInfo()
    return [
      finding('ok', 'ok', `JetStream answers at ${shown}.`),
      ...ofStorage(account),
      ...ofReplicas(connection.info ?? {}, replicas),
      ...(await ofStream(manager, clock)),
    ]
  } catch (error) {
    if (!isWithoutJetStream(error)) {
      const message = `JetStream at ${shown} did not answer in time. Look at the server's log.`
      return [finding('wrong', 'queue/no-answer', message)]
    }
    const message = `NATS at ${shown} runs without JetStream, or the account has none. Start it with a "jetstream" block; deploy/nats has one.`
    return [finding('wrong', 'queue/no-jetstream', message)]
  }
}

/** Examines a server without changing anything there. Never throws for what it finds. */
export const inspectNats = async (options: InspectNatsOptions): Promise<readonly Finding[]> => {
  try {
    const { connection, shown } = await connectNats({ ...options, name: 'pabal doctor' })
    try {
      const version = connection.info?.version ?? '0'
      return [...ofVersion(version), ...(await ofJetStream(connection, options, shown))]
    } finally {
      await connection.close()
    }
  } catch (error) {
    if (error instanceof StartRefused) return [finding('wrong', error.code, error.message)]
    throw error
  }
}
