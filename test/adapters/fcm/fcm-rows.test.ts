import { afterAll, beforeAll } from 'vitest'
import type { Outcome } from '#ports/channel.ts'
import type { ScriptedAnswer } from '#sandbox/answers.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import type { FcmOptions } from '../../../src/adapters/fcm/fcm-channel.ts'
import { fcmRows } from '../../../src/adapters/fcm/outcomes.ts'
import { attempt, closedPort, messageTo } from '../wire/channel-bench.ts'
import { describeRows, type RowCase } from '../wire/row-cases.ts'
import { foreignAccount, openChannel, registrationToken, startTokenServer } from './fcm-bench.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(async () => sandbox[Symbol.asyncDispose]())

const answered = async (
  answer: ScriptedAnswer,
  changes: Partial<FcmOptions> = {},
  token = registrationToken(),
): Promise<Outcome> => {
  await using channel = await openChannel(sandbox, changes)
  sandbox.script(token, [answer])
  return await channel.send(messageTo({ kind: 'device', platform: 'android', token }), attempt())
}

const said = (status: number, code: string, is: Outcome['is']): RowCase => ({
  row: { status, code },
  send: () => answered({ status, code }),
  is,
  code,
})

/** What Google's front end says itself has no code of FCM's. */
const saidByGoogle = (status: number, code: string, is: Outcome['is']): RowCase => ({
  ...said(status, code, is),
  send: () => answered({ status, body: { error: { code: status, status: code, message: '' } } }),
})

const ok = { status: 200 }

describeRows('the FCM table', fcmRows, [
  {
    row: { status: 200, code: 'unparsable' },
    send: () => answered({ behave: 'nonsense', taken: true }),
    is: 'ambiguous',
    code: 'unparsable',
  },
  { row: { status: 200 }, send: () => answered(ok), is: 'delivered' },
  said(404, 'UNREGISTERED', 'endpoint-invalid'),
  {
    row: { status: 400, code: 'INVALID_ARGUMENT', field: 'message.token' },
    send: () => answered(ok, {}, 'tok'),
    is: 'endpoint-invalid',
    code: 'INVALID_ARGUMENT',
  },
  said(400, 'INVALID_ARGUMENT', 'permanent'),
  {
    row: { status: 404, code: 'NOT_FOUND' },
    send: () => answered(ok, { projectId: 'another-project' }),
    is: 'config',
    code: 'NOT_FOUND',
  },
  saidByGoogle(401, 'UNAUTHENTICATED', 'config'),
  said(401, 'THIRD_PARTY_AUTH_ERROR', 'config'),
  said(403, 'SENDER_ID_MISMATCH', 'config'),
  saidByGoogle(403, 'PERMISSION_DENIED', 'config'),
  {
    row: { status: 429 },
    send: () => answered({ status: 429 }),
    is: 'retry',
    code: 'QUOTA_EXCEEDED',
    more: { afterMs: 60_000 },
  },
  {
    row: { status: 503 },
    send: () => answered({ status: 503, retryAfterS: 30 }),
    is: 'retry',
    code: 'UNAVAILABLE',
    more: { afterMs: 30_000 },
  },
  {
    row: { status: 500 },
    send: () => answered({ status: 500 }),
    is: 'ambiguous',
    code: 'INTERNAL',
  },
  {
    row: { token: 'unavailable' },
    send: async () => answered(ok, { tokenUrl: `http://127.0.0.1:${await closedPort()}/token` }),
    is: 'retry',
    code: 'connect-refused',
  },
  {
    row: { token: 'refused' },
    send: () => answered(ok, { serviceAccount: foreignAccount(sandbox) }),
    is: 'config',
    code: 'invalid_grant',
  },
  {
    row: { failure: 'not-sent', code: 'unsendable' },
    send: async () => {
      await using tokens = await startTokenServer((_, response) =>
        response.end('{"access_token":"two\\nlines","expires_in":3600}'),
      )
      return await answered(ok, { tokenUrl: tokens.url })
    },
    is: 'config',
    code: 'unsendable',
  },
  {
    row: { failure: 'not-sent' },
    send: async () => answered(ok, { url: `https://127.0.0.1:${await closedPort()}` }),
    is: 'retry',
    code: 'connect-refused',
  },
  {
    row: { failure: 'maybe-sent' },
    send: () => answered({ behave: 'hangup', taken: true }),
    is: 'ambiguous',
    code: 'connection-lost',
  },
])
