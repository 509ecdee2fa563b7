import { describe, expect, test } from 'vitest'
import { startSandbox } from '#sandbox/sandbox.ts'
import { basicOf, createClients, ordinary } from './clients.ts'

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString()

describe('the Twilio sandbox', () => {
  test('accepts a message and gives its resource', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const answer = await clients.twilio(ordinary.twilio, { ref: 'n.d.2.signature' })
    expect(answer.status).toBe(201)
    expect(answer.json).toMatchObject({
      sid: expect.stringMatching(/^SM[0-9a-f]{32}$/),
      account_sid: sandbox.config.twilio.accountSid,
      to: ordinary.twilio,
      body: 'Take cover.',
      status: 'queued',
      error_code: null,
    })
    expect(sandbox.ledger.entries()).toMatchObject([{ correlation: 'n.d', attemptRef: 'n.d.2' }])
  })

  test('refuses wrong credentials', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const headers = { authorization: 'Basic bm9ib2R5OndvcmQ=' }
    expect(await clients.twilio(ordinary.twilio, { headers })).toMatchObject({
      status: 401,
      json: {
        code: 20003,
        message: 'Authenticate',
        more_info: 'https://www.twilio.com/docs/errors/20003',
        status: 401,
      },
    })
  })

  test('refuses a form that is wrong in itself', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const right = { To: ordinary.twilio, From: sandbox.config.twilio.from, Body: 'Hi' }
    const cases = [
      [21604, { Body: 'Hi' }],
      [21211, { ...right, To: '010-1234-5678' }],
      [21603, { To: ordinary.twilio, Body: 'Hi' }],
      [21606, { ...right, From: '+15550000000' }],
      [21602, { ...right, Body: '' }],
      [21617, { ...right, Body: 'x'.repeat(1_601) }],
      [21609, { ...right, StatusCallback: 'not a url' }],
    ] as const
    for (const [code, fields] of cases)
      expect(await clients.twilio('', { body: form(fields) })).toMatchObject({
        status: 400,
        json: { code, status: 400 },
      })
  })

  test('lets a client ask whether a message had arrived whose answer was lost', async () => {
    await using sandbox = await startSandbox({ receiptDelayMs: 5 })
    await using clients = createClients(sandbox)
    const { url, accountSid } = sandbox.config.twilio
    const list = (query: string) =>
      clients.get(`${url}/2010-04-01/Accounts/${accountSid}/Messages.json?${query}`, {
        authorization: basicOf(sandbox),
      })
    sandbox.script(ordinary.twilio, [
      { behave: 'reset', taken: false },
      { behave: 'reset', taken: true },
    ])
    const since = new Date(Date.now() - 1_000).toISOString()
    const to = encodeURIComponent(ordinary.twilio)
    const query = `To=${to}&DateSent%3E=${since}`
    await expect(clients.twilio(ordinary.twilio)).rejects.toThrow()
    expect((await list(query)).json).toMatchObject({ messages: [] })
    await expect(clients.twilio(ordinary.twilio)).rejects.toThrow()
    await sandbox.idle()
    const { json } = await list(query)
    expect(json).toMatchObject({ messages: [{ body: 'Take cover.', status: 'delivered' }] })
    const [{ uri }] = (json as { messages: [{ uri: string }] }).messages
    const one = await clients.get(url + uri, { authorization: basicOf(sandbox) })
    expect(one.json).toMatchObject({ to: ordinary.twilio, status: 'delivered' })
    const later = new Date(Date.now() + 60_000).toISOString()
    expect((await list(`DateSent%3E=${later}`)).json).toMatchObject({ messages: [] })
    expect(await clients.get(url + uri)).toMatchObject({ status: 401 })
  })

  test('gives the list in pages', async () => {
    await using sandbox = await startSandbox()
    await using clients = createClients(sandbox)
    const { url, accountSid } = sandbox.config.twilio
    for (let i = 0; i < 5; i++) await clients.twilio(`+82101234000${i}`)
    let next: string | null = `/2010-04-01/Accounts/${accountSid}/Messages.json?PageSize=2`
    const seen: string[] = []
    while (next !== null) {
      const { json } = await clients.get(url + next, { authorization: basicOf(sandbox) })
      const page = json as { messages: { to: string }[]; next_page_uri: string | null }
      seen.push(...page.messages.map(({ to }) => to))
      next = page.next_page_uri
    }
    expect(seen).toEqual([4, 3, 2, 1, 0].map((i) => `+82101234000${i}`))
  })
})
