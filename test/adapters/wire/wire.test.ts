import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Stream,
} from 'node:http2'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { openWire, type WireOptions } from '../../../src/adapters/wire/wire.ts'
import { closedPort } from './channel-bench.ts'
import { startRecorder } from './recorder.ts'

let ca: string
let key: string
let sandbox: Sandbox
beforeAll(async () => {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  ca = made.cert
  key = made.private
  sandbox = await startSandbox()
})
afterAll(async () => sandbox[Symbol.asyncDispose]())

const wireTo = (url: string, changes: Partial<WireOptions> = {}) =>
  openWire({ url, ca, connections: 1, http2: true, ...changes })

const request = (
  deadlineMs = 2_000,
  changes: { onFirstByte?: () => void; body?: string } = {},
) => ({
  method: 'POST' as const,
  path: '/x',
  headers: { a: 'b' },
  body: 'body',
  signal: AbortSignal.timeout(deadlineMs),
  ...changes,
})

const listening = async (server: Server | Http2SecureServer) => {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    port,
    url: `https://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

const http2Server = (onStream: (stream: ServerHttp2Stream) => void) => {
  const server = createSecureServer({ key, cert: ca })
  server.on('sessionError', () => {})
  server.on('stream', (stream) => {
    stream.on('error', () => {})
    onStream(stream)
  })
  return listening(server)
}

describe('what certainly was not sent', () => {
  const failure = async (url: string, changes: Partial<WireOptions> = {}, deadlineMs = 2_000) => {
    await using wire = wireTo(url, changes)
    let begun = 0
    const result = await wire.request(request(deadlineMs, { onFirstByte: () => void begun++ }))
    expect(begun).toBe(0)
    return result
  }

  test('where nobody listens', async () => {
    const url = `https://127.0.0.1:${await closedPort()}`
    expect(await failure(url)).toEqual({ failure: 'not-sent', code: 'connect-refused' })
  })

  test('to a name that nobody has', async () => {
    const result = await failure('https://nobody.invalid', {}, 10_000)
    expect(result).toMatchObject({ failure: 'not-sent' })
  })

  test('to a server with somebody else’s certificate', async () => {
    const { url } = sandbox.config.apns
    expect(await failure(url)).toEqual({ failure: 'not-sent', code: 'tls' })
  })

  test('where the handshake never ends', async () => {
    await using mute = await listening(createServer())
    expect(await failure(mute.url, { connectTimeoutMs: 200 })).toEqual({
      failure: 'not-sent',
      code: 'connect-timeout',
    })
    expect(await failure(mute.url, {}, 200)).toEqual({
      failure: 'not-sent',
      code: 'deadline-before-sending',
    })
  })

  test('where a thousand wait in vain already, at once; and all goes well when it is over', async () => {
    await using server = await http2Server((stream) =>
      stream.respond({ ':status': 200 }, { endStream: true }),
    )
    let down = true
    await using proxy = await listening(
      createServer((near) => {
        if (down) return
        const far = connect(server.port, '127.0.0.1')
        far.on('error', () => {})
        near.pipe(far).pipe(near)
      }),
    )
    await using wire = wireTo(proxy.url, { connectTimeoutMs: 300 })
    await Promise.all(Array.from({ length: 1_000 }, () => wire.request(request(50))))
    expect(await wire.request(request())).toEqual({ failure: 'not-sent', code: 'no-connection' })
    down = false
    await expect
      .poll(async () => (await wire.request(request())).failure, { timeout: 5_000 })
      .toBeUndefined()
  })

  test('where the handshake is cut', async () => {
    await using rude = await listening(createServer((socket) => socket.destroy()))
    expect(await failure(rude.url)).toMatchObject({ failure: 'not-sent' })
  })

  test('after closing', async () => {
    const wire = wireTo(sandbox.config.apns.url)
    await wire[Symbol.asyncDispose]()
    await wire[Symbol.asyncDispose]()
    expect(await wire.request(request())).toEqual({ failure: 'not-sent', code: 'closed' })
  })
})

describe('a GOAWAY', () => {
  test('with an error says nothing of the streams it accepts, whatever its code', async () => {
    for (const code of [1, 7, 11]) {
      await using server = await http2Server((stream) => stream.session?.goaway(code, stream.id))
      await using wire = wireTo(server.url)
      expect(await wire.request(request())).toMatchObject({ failure: 'maybe-sent' })
    }
  })

  test('that disowns a stream once more after undici has repeated it is certain knowledge', async () => {
    let streams = 0
    await using server = await http2Server((stream) => {
      streams += 1
      // Node cannot disown the first stream of a connection by GOAWAY.
      if (streams === 1) stream.respond({ ':status': 200 }, { endStream: true })
      else if (stream.id === 1) stream.close(constants.NGHTTP2_REFUSED_STREAM)
      else stream.session?.goaway(0, 1)
    })
    await using wire = wireTo(server.url)
    await wire.request(request())
    let begun = 0
    const result = await wire.request(request(2_000, { onFirstByte: () => void begun++ }))
    expect(result).toEqual({ failure: 'not-sent', code: 'stream-refused' })
    // undici repeats once what was refused and once what a GOAWAY disowned; each time it asks.
    expect([streams, begun]).toEqual([4, 3])
  })

  test('may come so late that the repeat is kept back: nothing of the request was processed', async () => {
    for (const goaway of [true, false]) {
      let streams = 0
      await using server = await http2Server((stream) => {
        streams += 1
        if (streams === 1) stream.respond({ ':status': 200 }, { endStream: true })
        else if (goaway) stream.session?.goaway(0, 1)
        else stream.close(constants.NGHTTP2_REFUSED_STREAM)
      })
      await using wire = wireTo(server.url)
      await wire.request(request())
      let begun = 0
      const onFirstByte = () => {
        begun += 1
        if (begun === 2) throw new Error('It is too late.')
      }
      const result = await wire.request(request(2_000, { onFirstByte }))
      expect(result).toEqual({ failure: 'not-sent', code: 'withheld' })
      expect([streams, begun]).toEqual([2, 2])
    }
  })
})

describe('an answer', () => {
  test('of up to 64 KB is read, one byte more is a failure', async () => {
    for (const http2 of [true, false]) {
      const open = async (length: number) => {
        const body = 'x'.repeat(length)
        if (!http2) return startRecorder(200, body)
        return http2Server((stream) => {
          stream.respond({ ':status': 200 })
          stream.end(body)
        })
      }
      await using whole = await open(65_536)
      await using wire = wireTo(whole.url, { http2 })
      expect(await wire.request(request())).toMatchObject({ status: 200, body: 'x'.repeat(65_536) })
      await using more = await open(65_537)
      await using other = wireTo(more.url, { http2 })
      expect(await other.request(request())).toEqual({
        failure: 'maybe-sent',
        code: 'answer-too-large',
      })
    }
  })

  test('may come in pieces that part a character', async () => {
    const text = Buffer.from('파발')
    await using server = await http2Server((stream) => {
      stream.respond({ ':status': 200, 'x-id': '7' })
      stream.write(text.subarray(0, 4))
      setTimeout(() => stream.end(text.subarray(4)), 20)
    })
    await using wire = wireTo(server.url)
    expect(await wire.request(request())).toMatchObject({ body: '파발', headers: { 'x-id': '7' } })
  })

  test('may be preceded by early hints', async () => {
    await using server = await http2Server((stream) => {
      stream.additionalHeaders({ ':status': 103 })
      stream.respond({ ':status': 204 }, { endStream: true })
    })
    await using wire = wireTo(server.url)
    expect(await wire.request(request())).toMatchObject({ status: 204, body: '' })
  })

  test('of a redirect is not followed', async () => {
    await using recorder = await startRecorder(307, '', { location: '/elsewhere' })
    await using wire = wireTo(recorder.url, { http2: false })
    expect(await wire.request(request())).toMatchObject({ status: 307 })
    expect(recorder.requests).toHaveLength(1)
  })

  test('in no language of HTTP may have been one', async () => {
    await using server = await listening(
      createServer((socket) => socket.once('data', () => socket.end('EHLO mail\r\n\r\n'))),
    )
    await using wire = wireTo(`http://127.0.0.1:${server.port}`, { http2: false })
    expect(await wire.request(request())).toEqual({
      failure: 'maybe-sent',
      code: 'answer-nonsense',
    })
  })
})

describe('a connection', () => {
  test('that died without a word is replaced', async () => {
    await using server = await http2Server((stream) =>
      stream.respond({ ':status': 200 }, { endStream: true }),
    )
    let frozen = false
    let accepted = 0
    await using proxy = await listening(
      createServer((near) => {
        accepted += 1
        const dies = accepted === 1
        const far = connect(server.port, '127.0.0.1')
        far.on('error', () => {})
        near.on('data', (data) => (dies && frozen ? undefined : far.write(data)))
        far.on('data', (data) => (dies && frozen ? undefined : near.write(data)))
        near.on('close', () => far.destroy())
      }),
    )
    await using wire = wireTo(proxy.url, { pingIntervalMs: 100 })
    expect(await wire.request(request())).toMatchObject({ status: 200 })
    frozen = true
    expect(await wire.request(request(100))).toEqual({ failure: 'maybe-sent', code: 'deadline' })
    await expect
      .poll(async () => (await wire.request(request(100))).failure, { timeout: 5_000 })
      .toBeUndefined()
    expect(accepted).toBe(2)
  })

  test('that is quiet and alive is kept', async () => {
    let sessions = 0
    await using server = await http2Server((stream) =>
      stream.respond({ ':status': 200 }, { endStream: true }),
    )
    await using counted = await listening(
      createServer((near) => {
        sessions += 1
        const far = connect(server.port, '127.0.0.1')
        far.on('error', () => {})
        near.pipe(far).pipe(near)
      }),
    )
    await using wire = wireTo(counted.url, { pingIntervalMs: 50 })
    await wire.request(request())
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(await wire.request(request())).toMatchObject({ status: 200 })
    expect(sessions).toBe(1)
  })

  test('is not opened before it is needed, and is closed with what is in flight', async () => {
    const streams: ServerHttp2Stream[] = []
    await using server = await http2Server((stream) => streams.push(stream))
    const wire = wireTo(server.url)
    const sent = wire.request(request(300))
    await expect.poll(() => streams.length).toBe(1)
    await wire[Symbol.asyncDispose]()
    expect(await sent).toEqual({ failure: 'maybe-sent', code: 'deadline' })
  })
})
