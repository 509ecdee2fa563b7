import { EventStoreDBClient } from '@eventstore/db-client'
import type { Connection } from './connection-url.ts'

export type AppendKind = 'classic' | 'batch'

export interface NodeClientOptions {
  readonly connection: Connection
  readonly append: AppendKind
  /** Clients of different purposes have connections of their own. */
  readonly purpose: 'append' | 'read'
}

const batchAppendPath = '/event_store.client.streams.Streams/BatchAppend'
const keepAliveMs = 10_000
/**
 * A batch's deadline is a time of day that the *server* compares with its clock: far enough away, or a clock
 * that is off would make every append late.
 */
const batchDeadlineMs = 600_000

const settingsOf = ({ hosts, discover }: Connection) => {
  const [first] = hosts
  if (first === undefined) throw new RangeError('A connection has at least one host.')
  if (discover) return { discover: { ...first } }
  return hosts.length > 1
    ? { endpoints: hosts.map((host) => ({ ...host })) }
    : { endpoint: { ...first } }
}

const baseOf = ({ connection, purpose }: NodeClientOptions) => {
  const { options } = connection
  // The transport shares one connection among channels with equal options, and a connection carries about
  // 100 calls: reads would stand in the queue behind 90 appends.
  const keepAliveInterval =
    (options.keepAliveInterval ?? keepAliveMs) + (purpose === 'read' ? 1 : 0)
  return { ...options, keepAliveInterval, throwOnAppendFailure: true }
}

/**
 * The client, with what it keeps to its subclasses: which way it appends (without asking the server for
 * its features, whose failure it would remember for ever), the server's version, and an end.
 */
export class NodeClient extends EventStoreDBClient {
  readonly append: AppendKind
  private channel: Promise<{ close(): void }> | undefined

  constructor(options: NodeClientOptions) {
    const { connection, append } = options
    super(
      // Its three constructors differ in this one argument only.
      { ...baseOf(options), ...settingsOf(connection) } as { endpoint: string },
      { insecure: !connection.tls, ...connection.certificates },
      connection.credentials === undefined ? undefined : { ...connection.credentials },
    )
    this.append = append
    const { supports, getChannel } = this
    this.supports = async (method, feature) =>
      method.path === batchAppendPath && append === 'classic' ? false : supports(method, feature)
    this.getChannel = () => {
      const channel = getChannel()
      this.channel = channel
      return channel
    }
  }

  /** For the client's own timer, where somebody stops waiting after `tryMs`. */
  appendDeadline(tryMs: number): number {
    return this.append === 'batch' ? batchDeadlineMs : tryMs
  }

  /** `unknown`: the server does not tell. Has no deadline of its own. */
  async serverVersion(): Promise<string> {
    return (await this.capabilities).serverVersion
  }

  /** Whether the server can append in batches. Has no deadline of its own. */
  async takesBatches(): Promise<boolean> {
    const { StreamsService } = await import('@eventstore/db-client/generated/streams_grpc_pb.js')
    return (await this.capabilities).supports(StreamsService.batchAppend)
  }

  /** Cancels its calls and gives up its connection. Never rejects. */
  async close(): Promise<void> {
    await this.dispose().catch(() => undefined)
    const channel = await this.channel?.catch(() => undefined)
    channel?.close()
  }
}
