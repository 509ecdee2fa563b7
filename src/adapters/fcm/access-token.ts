import { randomUUID } from 'node:crypto'
import { type Credential, cert } from 'firebase-admin/app'
import type { Clock } from '#ports/clock.ts'
import type { Secret } from '#ports/secret.ts'
import { parseObject } from '../wire/json.ts'
import { openWire, type Wire } from '../wire/wire.ts'

export interface TokenFailure {
  readonly token: 'unavailable' | 'refused'
  readonly code: string
}

export interface AccessTokens extends AsyncDisposable {
  /** The value of the `authorization` header; at once while there is a valid one. */
  get(signal: AbortSignal): string | Promise<string | TokenFailure>
  /** FCM did not accept `used`: the next call asks for another. */
  drop(used: string): void
}

export interface AccessTokenOptions {
  /** The service account's JSON file. */
  readonly serviceAccount: Secret
  readonly tokenUrl: string
  readonly ca?: string | undefined
  readonly clock: Pick<Clock, 'now'>
}

const earlyMs = 300_000
const deadlineMs = 10_000
const pauseAfterFailureMs = 1_000

/** What firebase-admin keeps to itself. Its `httpAgent` is ignored for a service account given as an object. */
interface GoogleCredential extends Credential {
  getGoogleAuth(): unknown
  authClient: {
    transporter: { request(options: { data: unknown }): Promise<{ data: unknown }> }
    credentials: { expiry_date: number }
  }
}

class TokenError extends Error {
  readonly failure: TokenFailure

  constructor(failure: TokenFailure) {
    super(failure.code)
    this.failure = failure
  }
}

/** Every start of Google's library would print that the call firebase-admin makes is deprecated. */
const withoutWarning = (call: () => void): void => {
  const { warn } = console
  console.warn = () => {}
  try {
    call()
  } finally {
    console.warn = warn
  }
}

/** Throws what names the fault of the service account and quotes nothing of it. */
const createCredential = (
  serviceAccount: Secret,
  request: (form: string) => Promise<{ data: unknown }>,
): GoogleCredential => {
  const account = parseObject(serviceAccount.reveal())
  if (account === undefined) throw new TypeError('The FCM service account is not a JSON object.')
  try {
    // `cert` keeps one credential per text for ever; the mark makes this one ours.
    const marked = { ...account, pabal: randomUUID() }
    const credential = cert(marked as Parameters<typeof cert>[0]) as GoogleCredential
    withoutWarning(() => credential.getGoogleAuth())
    credential.authClient.transporter = { request: ({ data }) => request(String(data)) }
    return credential
  } catch {
    throw new TypeError('The FCM service account has no project_id, client_email or private_key.')
  }
}

interface TokenEndpoint {
  readonly wire: Wire
  readonly path: string
  readonly closing: AbortSignal
}

const requestToken = async (
  { wire, path, closing }: TokenEndpoint,
  form: string,
): Promise<{ data: unknown }> => {
  const answer = await wire.request({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: form,
    signal: AbortSignal.any([closing, AbortSignal.timeout(deadlineMs)]),
  })
  if (answer.failure !== undefined)
    throw new TokenError({ token: 'unavailable', code: answer.code })
  const data = parseObject(answer.body)
  if (answer.status === 200 && typeof data?.access_token === 'string') return { data }
  const error = typeof data?.error === 'string' ? data.error : `token-${answer.status}`
  const ours = answer.status >= 400 && answer.status < 500
  const slow = answer.status === 408 || answer.status === 429
  throw new TokenError({ token: ours && !slow ? 'refused' : 'unavailable', code: error })
}

const whenAborted = (signal: AbortSignal): Promise<TokenFailure> =>
  new Promise((resolve) => {
    const late = () => resolve({ token: 'unavailable', code: 'deadline-before-sending' })
    if (signal.aborted) late()
    else signal.addEventListener('abort', late, { once: true })
  })

/**
 * Google's library signs and reads; when a token is asked for, over which connection and for how long is ours.
 * One request at a time, five minutes early while the old token still serves, and after a failure not within 1 s.
 */
export const createAccessTokens = (options: AccessTokenOptions): AccessTokens => {
  const { clock } = options
  const { origin, pathname, search } = new URL(options.tokenUrl)
  const wire = openWire({ url: origin, ca: options.ca, connections: 1, http2: true })
  const closing = new AbortController()
  const endpoint = { wire, path: pathname + search, closing: closing.signal }
  const credential = createCredential(options.serviceAccount, (form) =>
    requestToken(endpoint, form),
  )

  let header = ''
  let expiresAt = Number.NEGATIVE_INFINITY
  let asking: Promise<string | TokenFailure> | undefined
  let failed: { failure: TokenFailure; until: number } | undefined

  const ask = async (): Promise<string | TokenFailure> => {
    try {
      credential.authClient.credentials.expiry_date = 1
      const { access_token, expires_in } = await credential.getAccessToken()
      header = `Bearer ${access_token}`
      expiresAt = clock.now() + expires_in * 1_000
      failed = undefined
      return header
    } catch (error) {
      const cause = error instanceof TokenError ? error.failure : undefined
      const failure = cause ?? { token: 'unavailable', code: 'token-unreadable' }
      failed = { failure, until: clock.now() + pauseAfterFailureMs }
      return failure
    } finally {
      asking = undefined
    }
  }

  return {
    get: (signal) => {
      const leftMs = expiresAt - clock.now()
      if (leftMs > earlyMs) return header
      const paused = failed !== undefined && clock.now() < failed.until
      if (!paused) asking ??= ask()
      if (leftMs > 0) return header
      if (asking === undefined) return Promise.resolve(failed!.failure)
      return Promise.race([asking, whenAborted(signal)])
    },
    drop: (used) => {
      if (used === header) expiresAt = Number.NEGATIVE_INFINITY
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort()
      await wire[Symbol.asyncDispose]()
    },
  }
}
