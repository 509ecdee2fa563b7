import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { startSandbox } from '#sandbox/sandbox.ts'
import { createClients, deviceOf, ordinary } from './clients.ts'

const call = async (method: 'GET' | 'POST' | 'DELETE', url: string, body?: unknown) => {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const response = await request(url, { method, ...sent })
  return { status: response.statusCode, text: await response.body.text() }
}

describe('the control server', () => {
  test('gives the configuration that the sandbox has', async () => {
    await using sandbox = await startSandbox()
    const { text } = await call('GET', `${sandbox.controlUrl}/config`)
    expect(JSON.parse(text)).toEqual(sandbox.config)
  })

  test('takes scripts and faults, and says what is wrong with them', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const post = (path: string, body: unknown) => call('POST', sandbox.controlUrl + path, body)
    const script = { to: deviceOf(1), answers: [{ status: 503 }] }
    expect(await post('/script', script)).toMatchObject({ status: 204 })
    expect((await clients.apns(deviceOf(1))).status).toBe(503)
    const mix = { cut: 0, reset: 0, silent: 0 }
    expect(await post('/faults', { rate: 1, mix })).toMatchObject({ status: 204 })
    expect((await clients.apns(deviceOf(2))).status).toBeGreaterThan(400)
    const wrong = [
      ['/script', { to: 'x', answers: [{ status: 99 }] }],
      ['/script', { to: 'x', answers: [{ behave: 'silent' }] }],
      ['/script', [1]],
      ['/faults', { rate: 2 }],
      ['/faults', { rate: 1, mix: { earthquake: 1 } }],
      ['/callbacks', { provider: 'sendgrid', url: 'http://example.com/' }],
    ] as const
    for (const [path, body] of wrong) expect(await post(path, body)).toMatchObject({ status: 400 })
  })

  test('streams the ledger as lines, from any number on, and clears it', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const url = `${sandbox.controlUrl}/ledger`
    for (let i = 0; i < 1_200; i += 100)
      await Promise.all(Array.from({ length: 100 }, (_, j) => clients.apns(deviceOf(i + j))))
    const { text } = await call('GET', `${url}?after=200`)
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toEqual(sandbox.ledger.entries(200))
    expect(lines).toHaveLength(1_000)
    const summary = await call('GET', `${url}/summary`)
    expect(JSON.parse(summary.text)).toMatchObject({ requests: 1_200, taken: 1_200 })
    expect(await call('DELETE', url)).toMatchObject({ status: 204 })
    expect(await call('GET', url)).toMatchObject({ text: '' })
  })

  test('waits for the receipts that are due', async () => {
    await using sandbox = await startSandbox({ receiptDelayMs: 100 })
    await using clients = createClients(sandbox)
    await clients.twilio(ordinary.twilio)
    const from = performance.now()
    await call('GET', `${sandbox.controlUrl}/idle`)
    expect(performance.now() - from).toBeGreaterThan(50)
  })

  test('knows no other path', async () => {
    await using sandbox = await startSandbox()
    expect(await call('GET', `${sandbox.controlUrl}/etc/passwd`)).toMatchObject({ status: 404 })
  })
})

const runChild = (args: string[]) => {
  const code = `import('#cli/sandbox.ts').then((m) => m.runSandbox(${JSON.stringify(args)}))`
  return spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

describe('the sandbox command', () => {
  test('prints one line for its parent and ends at SIGTERM', async () => {
    const child = runChild(['--port', '0', '--json', '--faults', '0.5', '--seed', '3'])
    const [line] = await once(child.stdout, 'data')
    const ready = JSON.parse(String(line))
    expect(ready).toMatchObject({ pid: child.pid, apns: expect.stringMatching(/^https:/) })
    const { text } = await call('GET', `${ready.controlUrl}/config`)
    expect(JSON.parse(text)).toMatchObject({ apns: { url: ready.apns } })
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  test('shows a person where everything is', async () => {
    const child = runChild(['--port', '0'])
    const [text] = await once(child.stdout, 'data')
    expect(String(text)).toMatch(/\/config[\s\S]+\/ledger[\s\S]+receipt-early +\+15005556500/)
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([0, null])
  })
})
