import { afterAll, beforeAll } from 'vitest'
import type { Outcome } from '#ports/channel.ts'
import { Secret } from '#ports/secret.ts'
import type { ScriptedAnswer } from '#sandbox/answers.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { twilioRows } from '../../../src/adapters/twilio/outcomes.ts'
import { openTwilioChannel } from '../../../src/adapters/twilio/twilio-channel.ts'
import { attempt, closedPort, messageTo, realClock, unique } from '../wire/channel-bench.ts'
import { describeRows, type RowCase } from '../wire/row-cases.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(async () => sandbox[Symbol.asyncDispose]())

const answered = async (answer: ScriptedAnswer, changes: { url?: string; from?: string } = {}) => {
  const { twilio } = sandbox.config
  await using channel = await openTwilioChannel({
    ...twilio,
    authToken: new Secret(twilio.authToken),
    publicUrl: 'http://127.0.0.1:1',
    clock: realClock,
    ...changes,
  })
  const phone = `+1415555${String(unique()).padStart(4, '0')}`
  sandbox.script(phone, [answer])
  return await channel.send(messageTo({ kind: 'phone', phone }), attempt())
}

const said = (code: number, is: Outcome['is'], status = 400): RowCase => ({
  row: { code: String(code) },
  send: () => answered({ status, code }),
  is,
  code: String(code),
})

describeRows('the Twilio table', twilioRows, [
  {
    row: { status: 201, code: 'unparsable' },
    send: () => answered({ behave: 'nonsense', taken: true }),
    is: 'ambiguous',
    code: 'unparsable',
  },
  { row: { status: 201 }, send: () => answered({ status: 201 }), is: 'accepted' },
  said(20003, 'config', 401),
  said(20404, 'config', 404),
  said(21408, 'config'),
  said(21606, 'config'),
  said(21603, 'config'),
  said(21609, 'config'),
  said(21211, 'endpoint-invalid'),
  said(21614, 'endpoint-invalid'),
  said(21635, 'endpoint-invalid'),
  said(30005, 'endpoint-invalid'),
  said(30006, 'endpoint-invalid'),
  said(21610, 'opted-out'),
  said(30004, 'permanent'),
  said(30007, 'permanent'),
  said(30036, 'permanent'),
  said(21602, 'permanent'),
  said(21617, 'permanent'),
  said(21611, 'retry', 429),
  said(30001, 'retry', 429),
  said(30003, 'retry'),
  said(30008, 'retry'),
  {
    row: { status: 429 },
    send: () => answered({ status: 429, code: 20429, retryAfterS: 2 }),
    is: 'retry',
    code: '20429',
    more: { afterMs: 2_000 },
  },
  { ...said(20500, 'ambiguous', 500), row: { status: 500 } },
  { ...said(20503, 'ambiguous', 503), row: { status: 503 } },
  {
    row: { failure: 'not-sent' },
    send: async () => answered({ status: 201 }, { url: `http://127.0.0.1:${await closedPort()}` }),
    is: 'retry',
    code: 'connect-refused',
  },
  {
    row: { failure: 'maybe-sent' },
    send: () => answered({ behave: 'reset', taken: true }),
    is: 'ambiguous',
    code: 'connection-lost',
  },
])
