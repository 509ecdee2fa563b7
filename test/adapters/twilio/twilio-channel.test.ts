import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DisposableChannel, Message } from '#ports/channel.ts'
import { Secret } from '#ports/secret.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { openTwilioChannel } from '../../../src/adapters/twilio/twilio-channel.ts'
import { attempt, expectNoSecrets, messageTo, realClock, unique } from '../wire/channel-bench.ts'
import { describeHostility } from '../wire/hostile.ts'
import { startRecorder } from '../wire/recorder.ts'

let sandbox: Sandbox
let channel: DisposableChannel
const open = (url = sandbox.config.twilio.url) =>
  openTwilioChannel({
    ...sandbox.config.twilio,
    url,
    authToken: new Secret(sandbox.config.twilio.authToken),
    publicUrl: 'https://pabal.example/',
    clock: realClock,
  })
beforeAll(async () => {
  sandbox = await startSandbox()
  channel = await open()
})
afterAll(async () => {
  await channel[Symbol.asyncDispose]()
  await sandbox[Symbol.asyncDispose]()
})

const phone = () => `+1415555${String(unique()).padStart(4, '0')}`

describeHostility('Twilio on a bad day', {
  send: (answers, limits) => {
    const to = phone()
    sandbox.script(to, answers)
    return channel.send(messageTo({ kind: 'phone', phone: to }), limits)
  },
})

describe('what Twilio is sent', () => {
  const formOf = async (changes: Partial<Message>) => {
    await using recorder = await startRecorder(201, '{"sid":"SM1"}')
    await using own = await open(recorder.url)
    const message = messageTo({ kind: 'phone', phone: '+14155550100' }, changes)
    await own.send(message, attempt())
    return {
      message,
      request: recorder.requests[0]!,
      form: new URLSearchParams(recorder.requests[0]!.body),
    }
  }

  test('names the attempt in the address of its callbacks', async () => {
    const { message, request, form } = await formOf({ app: 'an app', ref: 'n.d.1.a+b/=' })
    const callback = form.get('StatusCallback') ?? ''
    expect(callback).toBe(
      'https://pabal.example/v1/callbacks/twilio/an%20app?ref=n.d.1.a%2Bb%2F%3D#rc=5&rp=all',
    )
    expect(new URL(callback).searchParams.get('ref')).toBe(message.ref)
    expect(request.path).toBe(
      `/2010-04-01/Accounts/${sandbox.config.twilio.accountSid}/Messages.json`,
    )
    expect(form.get('Body')).toBe(message.content.body)
    expect(form.get('ValidityPeriod')).toBeNull()
  })

  test('ends with the message’s own validity, within Twilio’s limits', async () => {
    const now = Date.now()
    const validity = async (expiresAt: number) =>
      Number((await formOf({ expiresAt })).form.get('ValidityPeriod'))
    expect(await validity(now + 180_000)).toBeGreaterThan(177)
    expect(await validity(now + 180_000)).toBeLessThanOrEqual(180)
    expect(await validity(now - 1)).toBe(1)
    expect(await validity(now + 10 ** 9)).toBe(36_000)
  })

  test('stays out of every outcome, and so do the credentials', async () => {
    const { authToken, accountSid } = sandbox.config.twilio
    const body = JSON.stringify({ code: 21211, message: `'To' +14155550100 ${authToken}` })
    const outcomes = []
    for (const answer of [
      { status: 400, body },
      { status: 418, body },
      { status: 201, body },
    ]) {
      const to = phone()
      sandbox.script(to, [answer])
      outcomes.push(await channel.send(messageTo({ kind: 'phone', phone: to }), attempt()))
    }
    outcomes.push(await channel.send(messageTo({ kind: 'email', email: 'a@b.c' }), attempt()))
    expectNoSecrets(outcomes, [authToken, accountSid, '+1415555'])
  })

  test('is nothing, if the SDK does not accept it', async () => {
    const none = null as unknown as string
    const outcome = await channel.send(messageTo({ kind: 'phone', phone: none }), attempt())
    expect(outcome).toMatchObject({ is: 'permanent', code: 'unsendable' })
  })
})
