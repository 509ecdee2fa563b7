import { afterAll, beforeAll } from 'vitest'
import type { Outcome } from '#ports/channel.ts'
import { Secret } from '#ports/secret.ts'
import type { ScriptedAnswer } from '#sandbox/answers.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { openApnsChannel } from '../../../src/adapters/apns/apns-channel.ts'
import { apnsRows } from '../../../src/adapters/apns/outcomes.ts'
import { attempt, closedPort, messageTo, realClock, unique } from '../wire/channel-bench.ts'
import { describeRows, type RowCase } from '../wire/row-cases.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(async () => sandbox[Symbol.asyncDispose]())

const deviceToken = () => unique().toString(16).padStart(64, '0')

interface Changes {
  url?: string
  deliveryUuid?: string
  deadlineMs?: number
}

/** The last outcome: one request for each answer, over a channel of its own. */
const answered = async (answers: readonly ScriptedAnswer[], changes: Changes = {}) => {
  const { apns } = sandbox.config
  const { url = apns.url, deliveryUuid, deadlineMs } = changes
  await using channel = await openApnsChannel({
    ...apns,
    url,
    key: new Secret(apns.key),
    clock: realClock,
  })
  const token = deviceToken()
  sandbox.script(token, answers)
  const message = messageTo(
    { kind: 'device', platform: 'ios', token },
    deliveryUuid === undefined ? {} : { deliveryUuid },
  )
  let outcome: Outcome | undefined
  for (const _ of answers) outcome = await channel.send(message, attempt(deadlineMs))
  return outcome!
}

const said = (
  status: number,
  code: string,
  is: Outcome['is'],
  more?: RowCase['more'],
): RowCase => ({
  row: { status, code },
  send: () => answered([{ status, code }]),
  is,
  code,
  ...(more === undefined ? {} : { more }),
})

const anyOf = (status: number, code: string, is: Outcome['is']): RowCase => ({
  ...said(status, code, is),
  row: { status },
})

const timestamp = { evidence: { timestamp: '2026-01-31T08:15:30.250Z' } }
const dead = (code: string): RowCase => ({
  ...said(410, code, 'endpoint-invalid', timestamp),
  send: () =>
    answered([
      { status: 410, body: { reason: code, timestamp: Date.UTC(2026, 0, 31, 8, 15, 30, 250) } },
    ]),
})

const expired = { status: 403, code: 'ExpiredProviderToken' }

describeRows('the APNs table', apnsRows, [
  {
    row: { status: 200, code: 'unparsable' },
    send: () => answered([{ behave: 'nonsense', taken: true }]),
    is: 'ambiguous',
    code: 'unparsable',
  },
  {
    row: { status: 200 },
    send: () => answered([{ status: 200 }]),
    is: 'delivered',
    more: { providerMessageId: 'f4b8c1c8-2f1a-4c57-9d6b-0a1b2c3d4e5f' },
  },
  dead('Unregistered'),
  dead('ExpiredToken'),
  said(400, 'BadDeviceToken', 'endpoint-invalid'),
  said(400, 'DeviceTokenNotForTopic', 'endpoint-invalid'),
  said(403, 'ExpiredProviderToken', 'retry'),
  {
    row: { status: 403, code: 'expired-when-new' },
    send: () => answered([expired, expired]),
    is: 'config',
    code: 'ExpiredProviderToken',
  },
  said(403, 'InvalidProviderToken', 'config'),
  said(403, 'MissingProviderToken', 'config'),
  said(403, 'Forbidden', 'config'),
  said(403, 'BadCertificate', 'config'),
  said(403, 'BadCertificateEnvironment', 'config'),
  said(403, 'BadEnvironmentKeyIdInToken', 'config'),
  said(403, 'BadEnvironmentKeyInToken', 'config'),
  said(403, 'UnrelatedKeyIdInToken', 'config'),
  said(400, 'TopicDisallowed', 'config'),
  said(400, 'BadTopic', 'config'),
  said(400, 'MissingTopic', 'config'),
  said(404, 'BadPath', 'config'),
  said(405, 'MethodNotAllowed', 'config'),
  anyOf(413, 'PayloadTooLarge', 'permanent'),
  said(400, 'PayloadEmpty', 'permanent'),
  said(400, 'BadCollapseId', 'permanent'),
  said(400, 'BadExpirationDate', 'permanent'),
  said(400, 'BadMessageId', 'permanent'),
  said(400, 'BadPriority', 'permanent'),
  said(400, 'DuplicateHeaders', 'permanent'),
  said(400, 'InvalidPushType', 'permanent'),
  said(400, 'MissingDeviceToken', 'permanent'),
  {
    row: { status: 429, code: 'TooManyRequests' },
    send: () => answered([{ status: 429, retryAfterS: 7 }]),
    is: 'retry',
    code: 'TooManyRequests',
    more: { afterMs: 7_000 },
  },
  said(429, 'TooManyProviderTokenUpdates', 'retry', { afterMs: 60_000 }),
  said(400, 'IdleTimeout', 'retry'),
  anyOf(503, 'Shutdown', 'retry'),
  anyOf(500, 'InternalServerError', 'ambiguous'),
  {
    row: { failure: 'not-sent', code: 'unsendable' },
    send: () => answered([{ status: 200 }], { deliveryUuid: 'two\r\nlines' }),
    is: 'config',
    code: 'unsendable',
  },
  {
    row: { failure: 'not-sent' },
    send: async () =>
      answered([{ status: 200 }], { url: `https://127.0.0.1:${await closedPort()}` }),
    is: 'retry',
    code: 'connect-refused',
  },
  {
    row: { failure: 'maybe-sent' },
    send: () => answered([{ behave: 'hangup', taken: true }]),
    is: 'ambiguous',
    code: 'connection-lost',
  },
])
