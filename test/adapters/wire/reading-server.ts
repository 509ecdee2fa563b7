import { createServer } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

/** What `reading-server.ts` is started with. */
export interface Reading {
  /** Absent: HTTP/1.1 in the clear. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Counts the requests that were read to the end. */
  readonly whole: SharedArrayBuffer
}

const { tls, whole } = workerData as Reading
const count = new Int32Array(whole)

const readWhole = (body: NodeJS.ReadableStream): void => {
  body.on('end', () => {
    Atomics.add(count, 0, 1)
    Atomics.notify(count, 0)
  })
  body.resume()
}

/** A thread of its own: it goes on reading while the thread that sends stands still, and never answers. */
const server: Server = tls
  ? createSecureServer(tls).on('stream', (stream) => readWhole(stream))
  : createServer(readWhole)
server.listen(0, '127.0.0.1', () => {
  parentPort!.postMessage((server.address() as AddressInfo).port)
})
