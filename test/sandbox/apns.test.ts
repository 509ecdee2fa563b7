import { Pool } from 'undici'
import { describe, expect, test } from 'vitest'
import { startSandbox } from '#sandbox/sandbox.ts'
import { apnsToken, createClients, deviceOf, jwtOf, nowS } from './clients.ts'

describe('the APNs sandbox', () => {
  test('accepts a push over HTTP/2 and echoes its apns-id', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const id = '11111111-2222-4333-8444-555555555555'
    const answer = await clients.apns(deviceOf(1), { headers: { 'apns-id': id } })
    expect(answer).toMatchObject({ status: 200, body: '' })
    expect(answer.headers['apns-id']).toBe(id)
  })

  test('is not trusted without its own CA', async () => {
    await using sandbox = await startSandbox()
    const pool = new Pool(sandbox.config.apns.url, { allowH2: true })
    await expect(pool.request({ method: 'GET', path: '/' })).rejects.toThrow(/certificate/)
    await pool.destroy()
  })

  test('refuses every token that Apple would refuse', async () => {
    await using sandbox = await startSandbox()
    await using stranger = await startSandbox()
    await using clients = createClients(sandbox)
    const { keyId, teamId, key } = sandbox.config.apns
    const other = jwtOf(
      { alg: 'ES256', kid: keyId },
      { iss: teamId, iat: nowS() },
      stranger.config.apns.key,
    )
    const wrongKid = jwtOf({ alg: 'ES256', kid: 'OTHERKEY01' }, { iss: teamId, iat: nowS() }, key)
    const cases = [
      ['MissingProviderToken', ''],
      ['InvalidProviderToken', 'bearer nonsense'],
      ['InvalidProviderToken', `bearer ${other}`],
      ['InvalidProviderToken', `bearer ${wrongKid}`],
      ['InvalidProviderToken', `bearer ${apnsToken(sandbox, { iss: 'SOMEBODY01' })}`],
      ['ExpiredProviderToken', `bearer ${apnsToken(sandbox, { iat: nowS() - 3_700 })}`],
    ] as const
    for (const [reason, authorization] of cases) {
      const answer = await clients.apns(deviceOf(1), { headers: { authorization } })
      expect(answer).toMatchObject({ status: 403, json: { reason } })
    }
    expect(sandbox.ledger.summary()).toMatchObject({ requests: cases.length, taken: 0 })
  })

  test('can be told to accept anybody', async () => {
    await using sandbox = await startSandbox({ acceptOnlyCredentials: false })
    await using clients = createClients(sandbox)
    const answer = await clients.apns(deviceOf(1), { headers: { authorization: 'bearer x' } })
    expect(answer.status).toBe(200)
  })

  test('refuses a request that is wrong in itself', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const cases = [
      [400, 'TopicDisallowed', { headers: { 'apns-topic': 'com.example.other' } }],
      [400, 'BadMessageId', { headers: { 'apns-id': 'seven' } }],
      [400, 'BadCollapseId', { headers: { 'apns-collapse-id': 'x'.repeat(65) } }],
      [400, 'BadExpirationDate', { headers: { 'apns-expiration': 'soon' } }],
      [400, 'BadPriority', { headers: { 'apns-priority': '7' } }],
      [400, 'InvalidPushType', { headers: { 'apns-push-type': 'loud' } }],
      [400, 'PayloadEmpty', { body: [] }],
      [413, 'PayloadTooLarge', { body: { aps: { alert: 'x'.repeat(4_096) } } }],
    ] as const
    for (const [status, reason, options] of cases)
      expect(await clients.apns(deviceOf(1), options)).toMatchObject({ status, json: { reason } })
    expect(await clients.apns('short')).toMatchObject({ json: { reason: 'BadDeviceToken' } })
  })

  test('says since when a dead token is dead', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    sandbox.script(deviceOf(1), [{ status: 410 }])
    const before = Date.now()
    const { status, json } = await clients.apns(deviceOf(1))
    expect(status).toBe(410)
    expect(json).toMatchObject({ reason: 'Unregistered', timestamp: expect.any(Number) })
    expect((json as { timestamp: number }).timestamp).toBeGreaterThanOrEqual(before)
  })

  test('keeps apart what arrives at once on one connection', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const numbers = Array.from({ length: 300 }, (_, i) => i)
    const answers = await Promise.all(
      numbers.map((i) => clients.apns(deviceOf(i), { ref: `n${i}.d1.1` })),
    )
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    const byCorrelation = sandbox.ledger.byCorrelation()
    for (const i of numbers)
      expect(byCorrelation.get(`n${i}.d1`)).toMatchObject([{ to: deviceOf(i) }])
  })

  test('disowns a stream by GOAWAY, and the client sends it again elsewhere', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    await clients.apns(deviceOf(1))
    sandbox.script(deviceOf(2), [{ behave: 'goaway', taken: false }])
    const answer = await clients.apns(deviceOf(2), { ref: 'n.d.1' })
    expect(answer.status).toBe(200)
    expect(sandbox.ledger.entries(1).map(({ taken, status }) => [status, taken])).toEqual([
      [0, false],
      [200, true],
    ])
  })

  test.each(['reset', 'goaway'] as const)(
    'refuses the first stream of a connection by REFUSED_STREAM on %s',
    async (behave) => {
      await using sandbox = await startSandbox()
      await using clients = createClients(sandbox)
      sandbox.script(deviceOf(1), [{ behave, taken: false }])
      expect((await clients.apns(deviceOf(1))).status).toBe(200)
      expect(sandbox.ledger.entries().map(({ taken }) => taken)).toEqual([false, true])
    },
  )
})
