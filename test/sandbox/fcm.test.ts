import { Agent, Pool } from 'undici'
import { describe, expect, test } from 'vitest'
import { startSandbox } from '#sandbox/sandbox.ts'
import { createClients, fcmGrant, jwtOf, nowS, ordinary } from './clients.ts'

describe('the FCM sandbox', () => {
  test('accepts a message with a token that its own OAuth server gave', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const answer = await clients.fcm(ordinary.fcm, { ref: 'n.d.1' })
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({
      name: expect.stringMatching(/^projects\/pabal-sandbox\/messages\/0:\d+%[0-9a-f]+$/),
    })
    expect(sandbox.ledger.entries()).toMatchObject([{ to: ordinary.fcm, correlation: 'n.d' }])
  })

  test('speaks HTTP/1.1 as well', async () => {
    await using sandbox = await startSandbox()
    const { ca, url, projectId } = sandbox.config.fcm
    const agent = new Agent({ connect: { ca }, allowH2: false })
    const { json } = await fcmGrant(sandbox, agent)
    const { access_token, expires_in } = json as { access_token: string; expires_in: number }
    const response = await agent.request({
      origin: url,
      method: 'POST',
      path: `/v1/projects/${projectId}/messages:send`,
      headers: { authorization: `Bearer ${access_token}` },
      body: JSON.stringify({ message: { token: 'some-token', data: { a: 'b' } } }),
    })
    expect(response.statusCode).toBe(200)
    expect(expires_in).toBe(3_599)
    await response.body.dump()
    await agent.destroy()
  })

  test('gives a token only to its service account, for an hour at most', async () => {
    await using sandbox = await startSandbox()
    const { ca, url } = sandbox.config.fcm
    const pool = new Pool(url, { connect: { ca } })
    const wrong = [
      { iss: 'somebody@else' },
      { aud: 'https://example.com/token' },
      { exp: nowS() - 1 },
      { exp: nowS() + 7_200 },
    ]
    for (const claims of wrong)
      expect(await fcmGrant(sandbox, pool, claims)).toMatchObject({
        status: 400,
        json: { error: 'invalid_grant' },
      })
    await using stranger = await startSandbox()
    stranger.config.fcm.url = url
    expect(await fcmGrant(stranger, pool)).toMatchObject({
      json: { error_description: 'Invalid JWT Signature.' },
    })
    await pool.destroy()
  })

  test('refuses a foreign access token', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const authorization = `Bearer ${jwtOf({ alg: 'none' }, {}, sandbox.config.apns.key)}`
    const answer = await clients.fcm(ordinary.fcm, { headers: { authorization } })
    expect(answer).toMatchObject({
      status: 401,
      json: { error: { code: 401, status: 'UNAUTHENTICATED' } },
    })
  })

  test('answers a wrong project as Google does: without any FCM detail', async () => {
    await using sandbox = await startSandbox()
    sandbox.config.fcm.projectId = 'another-project'
    await using clients = createClients(sandbox)
    const { status, json } = await clients.fcm(ordinary.fcm)
    expect(status).toBe(404)
    expect(json).toEqual({
      error: { code: 404, message: 'Requested entity was not found.', status: 'NOT_FOUND' },
    })
  })

  test('names the field that is wrong', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const cases = [
      ['message', {}],
      ['message', { message: { notification: { title: 'to nobody' } } }],
      ['message.token', { message: { token: 'x' } }],
      ['message.data[n].value', { message: { token: 'some-token', data: { n: 1 } } }],
      ['message', { message: { token: 'some-token', data: { a: 'x'.repeat(5_000) } } }],
    ] as const
    for (const [field, body] of cases) {
      const { status, json } = await clients.fcm('', { body })
      expect(status).toBe(400)
      expect(json).toMatchObject({
        error: {
          status: 'INVALID_ARGUMENT',
          details: [{ errorCode: 'INVALID_ARGUMENT' }, { fieldViolations: [{ field }] }],
        },
      })
    }
  })

  test('says each scripted code in the words of google.rpc.Status', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const cases = [
      [404, 'UNREGISTERED', 'NOT_FOUND'],
      [403, 'SENDER_ID_MISMATCH', 'PERMISSION_DENIED'],
      [401, 'THIRD_PARTY_AUTH_ERROR', 'UNAUTHENTICATED'],
      [429, 'QUOTA_EXCEEDED', 'RESOURCE_EXHAUSTED'],
      [500, 'INTERNAL', 'INTERNAL'],
      [503, 'UNAVAILABLE', 'UNAVAILABLE'],
    ] as const
    sandbox.script(
      ordinary.fcm,
      cases.map(([status, code]) => ({ status, code })),
    )
    for (const [status, errorCode, rpcStatus] of cases)
      expect(await clients.fcm(ordinary.fcm)).toMatchObject({
        status,
        json: {
          error: {
            code: status,
            status: rpcStatus,
            details: [
              { '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode },
            ],
          },
        },
      })
  })
})
