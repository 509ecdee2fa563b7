import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DisposableChannel, Message } from '#ports/channel.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import type { SendgridOptions } from '../../../src/adapters/sendgrid/sendgrid-channel.ts'
import { attempt, expectNoSecrets, messageTo } from '../wire/channel-bench.ts'
import { describeHostility } from '../wire/hostile.ts'
import { startRecorder } from '../wire/recorder.ts'
import { address, openChannel } from './sendgrid-bench.ts'

let sandbox: Sandbox
let channel: DisposableChannel
beforeAll(async () => {
  sandbox = await startSandbox()
  channel = await openChannel(sandbox)
})
afterAll(async () => {
  await channel[Symbol.asyncDispose]()
  await sandbox[Symbol.asyncDispose]()
})

describeHostility('SendGrid on a bad day', {
  send: (answers, limits) => {
    const email = address()
    sandbox.script(email, answers)
    return channel.send(messageTo({ kind: 'email', email }), limits)
  },
})

describe('a mail', () => {
  const written = async (changes: Partial<Message>, options: Partial<SendgridOptions> = {}) => {
    await using recorder = await startRecorder(202, '', { 'x-message-id': 'm1' })
    await using own = await openChannel(sandbox, { ...options, url: recorder.url })
    const message = messageTo({ kind: 'email', email: 'ann@example.org' }, changes)
    await own.send(message, attempt())
    return { message, mail: JSON.parse(recorder.requests[0]!.body) }
  }

  test('carries text, HTML and the attempt’s reference', async () => {
    const content = { subject: 'About you', body: 'plain', html: '<p>rich</p>' }
    const { message, mail } = await written({ content }, { fromName: 'Pabal' })
    expect(mail).toEqual({
      from: { email: sandbox.config.sendgrid.from, name: 'Pabal' },
      subject: 'About you',
      personalizations: [{ to: [{ email: 'ann@example.org' }] }],
      content: [
        { type: 'text/plain', value: 'plain' },
        { type: 'text/html', value: '<p>rich</p>' },
      ],
      custom_args: { ref: message.ref },
    })
  })

  test('has no line break in subject or name', async () => {
    const content = { subject: 'Hello\r\nBcc: eve@example.org', body: 'x' }
    const { mail } = await written({ content }, { fromName: 'Pa\nbal' })
    expect(mail.subject).toBe('Hello Bcc: eve@example.org')
    expect(mail.from.name).toBe('Pa bal')
  })

  test('without a subject takes its title, or its first line', async () => {
    const subject = async (content: Message['content']) => (await written({ content })).mail.subject
    expect(await subject({ title: 'Title', body: 'x' })).toBe('Title')
    expect(await subject({ body: '\nFirst\nSecond' })).toBe('First')
    expect(await subject({ body: ' ' })).toBe('-')
  })

  test('goes to one address and nothing that only looks like one', async () => {
    for (const email of ['a@b.c, d@e.f', 'Ann <a@b.c>', 'a@b.c\r\nBcc: d@e.f', 'ann', '']) {
      const outcome = await channel.send(messageTo({ kind: 'email', email }), attempt())
      expect(outcome).toMatchObject({ is: 'permanent', code: 'wrong-address' })
    }
  })

  test('stays out of every outcome, and so does the key', async () => {
    const { apiKey } = sandbox.config.sendgrid
    const outcomes = []
    for (const status of [400, 401, 418, 500]) {
      const email = address()
      const body = { errors: [{ message: `${email} ${apiKey}`, field: `to ${email}` }] }
      sandbox.script(email, [{ status, body }])
      outcomes.push(await channel.send(messageTo({ kind: 'email', email }), attempt()))
    }
    expectNoSecrets(outcomes, [apiKey, 'example.org'])
    const email = address()
    const field = 'personalizations.0.to'
    sandbox.script(email, [{ status: 400, body: { errors: [{ message: '', field }] } }])
    const outcome = await channel.send(messageTo({ kind: 'email', email }), attempt())
    expect(JSON.stringify(outcome)).toContain(field)
  })
})
