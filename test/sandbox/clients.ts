import { sign } from 'node:crypto'
import { Agent, type Dispatcher, Pool } from 'undici'
import type { Sandbox } from '#sandbox/sandbox.ts'

/** Thin senders of the four protocols, as a careless client would write them: no retry, no outcome. */
export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
  json: unknown
}

export interface SendOptions {
  ref?: string
  headers?: Record<string, string>
  body?: unknown
  timeoutMs?: number
}

export interface Clients extends AsyncDisposable {
  apns(to: string, options?: SendOptions): Promise<Answer>
  fcm(to: string, options?: SendOptions): Promise<Answer>
  twilio(to: string, options?: SendOptions & { callback?: string }): Promise<Answer>
  sendgrid(to: string, options?: SendOptions): Promise<Answer>
  get(url: string, headers?: Record<string, string>): Promise<Answer>
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

export const jwtOf = (head: object, claims: object, key: string): string => {
  const signed = `${part(head)}.${part(claims)}`
  const ec = 'alg' in head && head.alg === 'ES256'
  const signature = sign(
    'sha256',
    Buffer.from(signed),
    ec ? { key, dsaEncoding: 'ieee-p1363' } : key,
  )
  return `${signed}.${signature.toString('base64url')}`
}

export const nowS = () => Math.floor(Date.now() / 1_000)

export const apnsToken = ({ config: { apns } }: Sandbox, claims: object = {}): string =>
  jwtOf({ alg: 'ES256', kid: apns.keyId }, { iss: apns.teamId, iat: nowS(), ...claims }, apns.key)

export const deviceOf = (n: number) => n.toString(16).padStart(64, 'c')

const read = async (response: Dispatcher.ResponseData): Promise<Answer> => {
  const body = await response.body.text()
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    json = undefined
  }
  return { status: response.statusCode, headers: response.headers, body, json }
}

/** Asks for a token as a service account does. */
export const fcmGrant = (sandbox: Sandbox, dispatcher: Dispatcher, claims: object = {}) => {
  const account = sandbox.config.fcm.serviceAccount
  const usual = {
    iss: account.client_email,
    aud: account.token_uri,
    scope: 'https://www.googleapis.com/auth/firebase.messaging',
    iat: nowS(),
    exp: nowS() + 3_600,
  }
  const assertion = jwtOf({ alg: 'RS256' }, { ...usual, ...claims }, account.private_key)
  const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  return dispatcher
    .request({
      origin: sandbox.config.fcm.url,
      method: 'POST',
      path: '/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type, assertion }).toString(),
    })
    .then(read)
}

export const basicOf = ({ config: { twilio } }: Sandbox): string =>
  `Basic ${Buffer.from(`${twilio.accountSid}:${twilio.authToken}`).toString('base64')}`

const mailOf = (sandbox: Sandbox, to: string, ref: string | undefined) => ({
  personalizations: [{ to: [{ email: to }], ...(ref ? { custom_args: { ref } } : {}) }],
  from: { email: sandbox.config.sendgrid.from },
  subject: 'Earthquake',
  content: [{ type: 'text/plain', value: 'Take cover.' }],
})

const signalOf = (options: SendOptions) => AbortSignal.timeout(options.timeoutMs ?? 5_000)

const apnsClient = (sandbox: Sandbox, pool: Dispatcher) => {
  const { topic } = sandbox.config.apns
  return async (to: string, options: SendOptions = {}) => {
    const { ref, headers } = options
    const payload = { aps: { alert: { title: 'Earthquake', body: 'Take cover.' } }, ref }
    const authorization = `bearer ${apnsToken(sandbox)}`
    const response = await pool.request({
      method: 'POST',
      path: `/3/device/${to}`,
      headers: { authorization, 'apns-topic': topic, 'apns-push-type': 'alert', ...headers },
      body: JSON.stringify(options.body ?? payload),
      signal: signalOf(options),
    })
    return read(response)
  }
}

const fcmClient = (sandbox: Sandbox, pool: Dispatcher) => {
  const { projectId } = sandbox.config.fcm
  let accessToken: Promise<string> | undefined
  const token = async () => {
    const { json } = await fcmGrant(sandbox, pool)
    return (json as { access_token: string }).access_token
  }
  return async (to: string, options: SendOptions = {}) => {
    accessToken ??= token()
    const notification = { title: 'Earthquake', body: 'Take cover.' }
    const data = options.ref === undefined ? {} : { ref: options.ref }
    const response = await pool.request({
      method: 'POST',
      path: `/v1/projects/${projectId}/messages:send`,
      headers: { authorization: `Bearer ${await accessToken}`, ...options.headers },
      body: JSON.stringify(options.body ?? { message: { token: to, notification, data } }),
      signal: signalOf(options),
    })
    return read(response)
  }
}

const twilioClient = (sandbox: Sandbox, agent: Dispatcher) => {
  const { url, accountSid, from } = sandbox.config.twilio
  return async (to: string, options: SendOptions & { callback?: string } = {}) => {
    const { ref, callback = 'http://127.0.0.1:9/unused', headers } = options
    const form = new URLSearchParams({ To: to, From: from, Body: 'Take cover.' })
    if (ref !== undefined) form.set('StatusCallback', `${callback}?ref=${ref}`)
    const type = 'application/x-www-form-urlencoded'
    const response = await agent.request({
      origin: url,
      method: 'POST',
      path: `/2010-04-01/Accounts/${accountSid}/Messages.json`,
      headers: { authorization: basicOf(sandbox), 'content-type': type, ...headers },
      body: options.body === undefined ? form.toString() : String(options.body),
      signal: signalOf(options),
    })
    return read(response)
  }
}

const sendgridClient = (sandbox: Sandbox, agent: Dispatcher) => {
  const { url, apiKey } = sandbox.config.sendgrid
  const usual = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  return async (to: string, options: SendOptions = {}) => {
    const response = await agent.request({
      origin: url,
      method: 'POST',
      path: '/v3/mail/send',
      headers: { ...usual, ...options.headers },
      body: JSON.stringify(options.body ?? mailOf(sandbox, to, options.ref)),
      signal: signalOf(options),
    })
    return read(response)
  }
}

export const createClients = (sandbox: Sandbox): Clients => {
  const { apns, fcm } = sandbox.config
  const h2 = { allowH2: true, connections: 1, pipelining: 100, connect: { ca: apns.ca } }
  const apnsPool = new Pool(apns.url, h2)
  const fcmPool = new Pool(fcm.url, h2)
  const plain = new Agent({ connections: 16 })
  return {
    apns: apnsClient(sandbox, apnsPool),
    fcm: fcmClient(sandbox, fcmPool),
    twilio: twilioClient(sandbox, plain),
    sendgrid: sendgridClient(sandbox, plain),
    get: async (url, headers = {}) => {
      const { origin, pathname, search } = new URL(url)
      return read(await plain.request({ origin, path: pathname + search, method: 'GET', headers }))
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([apnsPool.destroy(), fcmPool.destroy(), plain.destroy()])
    },
  }
}

/** What each provider says when all is well. */
export const successStatus = { apns: 200, fcm: 200, twilio: 201, sendgrid: 202 } as const

/** A recipient who is nobody special. */
export const ordinary = {
  apns: deviceOf(1),
  fcm: 'an-ordinary-token',
  twilio: '+821012345678',
  sendgrid: 'somebody@example.com',
} as const
