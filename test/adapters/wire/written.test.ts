import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { generate } from 'selfsigned'
import { describe, expect, test } from 'vitest'
import { openWire } from '../../../src/adapters/wire/wire.ts'
import type { Reading } from './reading-server.ts'

const startReading = async (http2: boolean) => {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  const whole = new SharedArrayBuffer(4)
  const tls = { key: made.private, cert: made.cert }
  const workerData: Reading = { whole, ...(http2 && { tls }) }
  const worker = new Worker(new URL('./reading-server.ts', import.meta.url), { workerData })
  const [port] = await once(worker, 'message')
  return {
    url: `${http2 ? 'https' : 'http'}://127.0.0.1:${port}`,
    ca: tls.cert,
    whole: new Int32Array(whole),
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  }
}

const blockMaxMs = 5_000

describe.each([
  ['HTTP/2', true],
  ['HTTP/1.1', false],
] as const)('a request over %s that is written', (_, http2) => {
  test('has left the process a turn later, whatever that does then', async () => {
    await using server = await startReading(http2)
    await using wire = openWire({ url: server.url, ca: server.ca, connections: 1, http2 })
    const steps: string[] = []
    for (const sent of [1, 2, 3]) {
      const over = new AbortController()
      const written = Promise.withResolvers<number>()
      const asked = wire.request({
        method: 'POST',
        path: '/x',
        headers: {},
        body: 'x'.repeat(4_000),
        signal: over.signal,
        onFirstByte: () => void steps.push('first byte'),
        onWritten: () => {
          steps.push('written')
          setImmediate(() => {
            // As a kill would, it lets nothing of this thread go on.
            Atomics.wait(server.whole, 0, sent - 1, blockMaxMs)
            written.resolve(Atomics.load(server.whole, 0))
          })
        },
      })
      expect(await written.promise).toBe(sent)
      over.abort()
      expect(await asked).toEqual({ failure: 'maybe-sent', code: 'deadline' })
    }
    expect(steps.join(', ')).toBe(Array(3).fill('first byte, written').join(', '))
  })
})
