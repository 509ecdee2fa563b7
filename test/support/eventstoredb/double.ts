import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { type AddressInfo, createServer, type Socket, type Server as TcpServer } from 'node:net'
import gossipService from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import featuresService from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import streamsService from '@eventstore/db-client/generated/streams_grpc_pb.js'
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { appendCall, batchAppendCall, deleteCall, tombstoneCall } from './appends.ts'
import { type EventLog, openEventLog } from './event-log.ts'
import { createFaults, type Faults } from './faults.ts'
import { readCall } from './reads.ts'
import type { Serving, ServingCounts } from './serving.ts'
import { clusterInfo, failure, type Member, supportedMethods } from './wire.ts'

export interface DoubleOptions {
  /** Where the log is kept; the default is forgotten with the double. */
  readonly file?: string
  /** 0 (default): any free one. */
  readonly port?: number
  readonly version?: string
  /** Methods it does not know, in lower case, for instance `batchappend`. */
  readonly without?: readonly string[]
  /** PEM; with it only TLS is spoken, and only this user let in. */
  readonly tls?: {
    readonly key: string
    readonly cert: string
    readonly username: string
    readonly password: string
  }
  /** What `GET /info/options` tells beside the port. */
  readonly settings?: Readonly<Record<string, string>>
  /** How far its clock is off. */
  readonly clockOffsetMs?: number
}

export interface EventStoreDouble extends AsyncDisposable {
  /** `esdb://127.0.0.1:…?tls=false`. */
  readonly url: string
  readonly port: number
  readonly faults: Faults
  readonly log: EventLog
  readonly counts: Readonly<ServingCounts>
  /** Another node leads from now on; `undefined`: this one does. */
  setLeader(leader: { readonly host: string; readonly port: number } | undefined): void
  /** The members that gossip tells of. */
  setMembers(members: readonly Member[]): void
  /** A retry this soon after the first write gets no answer. */
  setUnindexedMs(ms: number): void
  dropConnections(): void
}

const http2Preface = 'PRI'

/** The few resources of the HTTP interface that are asked for. */
const createHttp = (options: DoubleOptions): HttpServer =>
  createHttpServer((request, response) => {
    response.setHeader('date', new Date(Date.now() + (options.clockOffsetMs ?? 0)).toUTCString())
    if (request.url !== '/info/options') return response.writeHead(200).end()
    const list = Object.entries(options.settings ?? {}).map(([name, value]) => ({ name, value }))
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(list))
  })

const addServices = (
  server: Server,
  serving: Serving,
  answers: {
    readonly features: handleUnaryCall<unknown, unknown>
    readonly gossip: handleUnaryCall<unknown, unknown>
  },
): void => {
  const { StreamsService } = streamsService
  const asTheyAre = (message: Uint8Array): Buffer =>
    Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  server.addService(
    { ...StreamsService, read: { ...StreamsService.read, responseSerialize: asTheyAre } },
    {
      append: appendCall(serving),
      batchAppend: batchAppendCall(serving),
      read: readCall(serving),
      delete: deleteCall(serving),
      tombstone: tombstoneCall(serving),
    } as unknown as UntypedServiceImplementation,
  )
  server.addService(featuresService.ServerFeaturesService, {
    getSupportedMethods: answers.features,
  })
  server.addService(gossipService.GossipService, { read: answers.gossip })
}

const listen = (server: TcpServer, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })

/**
 * Plays an EventStoreDB node for tests: its own protocol on a real socket, over a log of its own. What it
 * claims is our reading of the server; run the same suites on a real one where there is one.
 */
export const openDouble = async (options: DoubleOptions = {}): Promise<EventStoreDouble> => {
  const log = openEventLog(options.file ?? ':memory:')
  const faults = createFaults()
  const sockets = new Set<Socket>()
  const counts = {
    appends: 0,
    batchAppends: 0,
    subscriptions: 0,
    lastStart: 0,
    reads: 0,
    featuresCalls: 0,
    sent: 0,
  }
  let leader: { readonly host: string; readonly port: number } | undefined
  let members: readonly Member[] | undefined
  let unindexedMs = 0
  const dropConnections = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const serving: Serving = {
    log,
    faults,
    counts,
    leader: () => leader,
    dropConnections,
    unindexedMs: () => unindexedMs,
    credentials: options.tls,
    now: () => Date.now() + (options.clockOffsetMs ?? 0),
  }

  const server = new Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 })
  addServices(server, serving, {
    features: (_call, callback) => {
      counts.featuresCalls++
      if (faults.take(['features-internal']) !== undefined)
        return callback(failure(status.INTERNAL, 'Something went wrong.'))
      callback(null, supportedMethods(options.version ?? '24.10.4.0', options.without ?? []))
    },
    gossip: (_call, callback) => {
      callback(
        null,
        clusterInfo(members ?? [{ host: '127.0.0.1', port, leads: leader === undefined }]),
      )
    },
  })
  const { tls } = options
  const injector = server.createConnectionInjector(
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [
          { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) },
        ]),
  )
  const http = createHttp(options)
  const tcp = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    if (tls !== undefined) return injector.injectConnection(socket)
    // As the server does on its one port: HTTP/2 begins with its preface.
    socket.once('data', (first) => {
      socket.pause()
      socket.unshift(first)
      if (first.toString('latin1').startsWith(http2Preface)) injector.injectConnection(socket)
      else {
        http.emit('connection', socket)
        socket.resume()
      }
    })
  })
  const port = await listen(tcp, options.port ?? 0)

  return {
    url: `esdb://127.0.0.1:${port}?tls=${tls !== undefined}`,
    port,
    faults,
    log,
    counts,
    setLeader(given) {
      leader = given
    },
    setMembers(given) {
      members = given
    },
    setUnindexedMs(ms) {
      unindexedMs = ms
    },
    dropConnections,
    [Symbol.asyncDispose]: async () => {
      tcp.close()
      injector.destroy()
      server.forceShutdown()
      dropConnections()
      http.close()
      await new Promise((resolve) => setImmediate(resolve))
      log.close()
    },
  }
}
