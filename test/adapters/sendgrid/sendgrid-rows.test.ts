import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Outcome } from '#ports/channel.ts'
import { Secret } from '#ports/secret.ts'
import type { ScriptedAnswer } from '#sandbox/answers.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { sendgridRows } from '../../../src/adapters/sendgrid/outcomes.ts'
import type { SendgridOptions } from '../../../src/adapters/sendgrid/sendgrid-channel.ts'
import { attempt, closedPort, messageTo } from '../wire/channel-bench.ts'
import { describeRows, type RowCase } from '../wire/row-cases.ts'
import { address, openChannel } from './sendgrid-bench.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(async () => sandbox[Symbol.asyncDispose]())

const answered = async (answer: ScriptedAnswer, changes: Partial<SendgridOptions> = {}) => {
  await using channel = await openChannel(sandbox, changes)
  const email = address()
  sandbox.script(email, [answer])
  return await channel.send(messageTo({ kind: 'email', email }), attempt())
}

const said = (status: number, is: Outcome['is']): RowCase => ({
  row: { status },
  send: () => answered({ status }),
  is,
  code: String(status),
})

describeRows('the SendGrid table', sendgridRows, [
  {
    row: { status: 202, code: 'unparsable' },
    send: () => answered({ behave: 'nonsense', taken: true }),
    is: 'ambiguous',
    code: 'unparsable',
  },
  { row: { status: 202 }, send: () => answered({ status: 202 }), is: 'accepted' },
  said(429, 'retry'),
  said(400, 'permanent'),
  said(413, 'permanent'),
  said(401, 'config'),
  said(403, 'config'),
  said(500, 'ambiguous'),
  said(502, 'ambiguous'),
  said(503, 'ambiguous'),
  said(504, 'ambiguous'),
  {
    row: { failure: 'not-sent', code: 'unsendable' },
    send: () => answered({ status: 202 }, { apiKey: new Secret('SG.key\n') }),
    is: 'config',
    code: 'unsendable',
  },
  {
    row: { failure: 'not-sent' },
    send: async () => answered({ status: 202 }, { url: `http://127.0.0.1:${await closedPort()}` }),
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

test('SendGrid’s window says when to come back', async () => {
  const outcome = await answered({ status: 429, retryAfterS: 20 })
  expect(outcome).toMatchObject({ is: 'retry' })
  const { afterMs = 0 } = outcome as { afterMs?: number }
  expect(afterMs).toBeGreaterThan(18_000)
  expect(afterMs).toBeLessThanOrEqual(21_000)
})
