import { describe, expect, test } from 'vitest'
import { startSandbox } from '#sandbox/sandbox.ts'
import { createClients, ordinary } from './clients.ts'

const mail = {
  personalizations: [{ to: [{ email: ordinary.sendgrid }] }],
  from: { email: 'quakes@pabal.example' },
  subject: 'Earthquake',
  content: [{ type: 'text/plain', value: 'Take cover.' }],
}

describe('the SendGrid sandbox', () => {
  test('accepts a mail without a body and with a message id', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const answer = await clients.sendgrid(ordinary.sendgrid, { ref: 'n.d.1' })
    expect(answer).toMatchObject({ status: 202, body: '' })
    expect(answer.headers['x-message-id']).toMatch(/^[\w-]{22}$/)
    expect(sandbox.ledger.entries()).toMatchObject([{ to: ordinary.sendgrid, correlation: 'n.d' }])
  })

  test('refuses wrong credentials', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const headers = { authorization: 'Bearer SG.wrong' }
    const message = 'The provided authorization grant is invalid, expired, or revoked'
    expect(await clients.sendgrid(ordinary.sendgrid, { headers })).toMatchObject({
      status: 401,
      json: { errors: [{ message, field: null, help: null }] },
    })
  })

  test('refuses a mail that is wrong in itself', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const cases = [
      [400, 'personalizations', { ...mail, personalizations: [] }],
      [400, 'personalizations.0.to', { ...mail, personalizations: [{ to: [{ email: 'x' }] }] }],
      [400, 'from', { ...mail, from: {} }],
      [403, 'from', { ...mail, from: { email: 'somebody@example.com' } }],
      [400, 'subject', { ...mail, subject: '' }],
      [400, 'content', { ...mail, content: [] }],
      [400, 'custom_args', { ...mail, custom_args: { a: 'x'.repeat(10_001) } }],
    ] as const
    for (const [status, field, body] of cases)
      expect(await clients.sendgrid('', { body })).toMatchObject({
        status,
        json: { errors: [{ field }] },
      })
  })

  test('writes every personalization of one request into the ledger', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const one = (n: number) => ({
      to: [{ email: `user${n}@example.com` }],
      custom_args: { ref: `n${n}.d.1` },
    })
    await clients.sendgrid('', { body: { ...mail, personalizations: [one(1), one(2)] } })
    expect(sandbox.ledger.entries().map(({ correlation }) => correlation)).toEqual(['n1.d', 'n2.d'])
  })
})
