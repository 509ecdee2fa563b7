import { accessSync, constants, readFileSync } from 'node:fs'
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  ErrorCode,
  type NatsConnection,
  NatsError,
} from 'nats'
import { StartRefused } from '#ports/errors.ts'
import { type NatsAddress, parseNatsUrl } from './address.ts'

export interface NatsOptions {
  /** `nats://` or `tls://`, with credentials; several servers are parted by commas. */
  readonly url: string
  /** Path of a `.creds` file (JWT and seed), read anew for every connection. */
  readonly credentialsPath?: string
  /** Path of the certificates to trust instead of the system's. */
  readonly caPath?: string
}

const connectTimeoutMs = 5_000
const pingIntervalMs = 10_000
const reconnectWaitMs = 250
const reconnectJitterMs = 750

const authentication = (
  address: NatsAddress,
  credentialsPath: string | undefined,
): ConnectionOptions => {
  if (credentialsPath !== undefined) {
    const read = () => new Uint8Array(readFileSync(credentialsPath))
    return { authenticator: (nonce) => credsAuthenticator(read())(nonce) }
  }
  if (address.token) return { token: address.token.reveal() }
  if (address.user === undefined) return {}
  return { user: address.user, pass: address.password?.reveal() ?? '' }
}

const isAuthorization = (error: unknown): boolean =>
  error instanceof NatsError &&
  (error.isAuthError() ||
    error.code === ErrorCode.AuthorizationViolation ||
    error.code === ErrorCode.BadCreds ||
    error.code === ErrorCode.BadAuthentication)

/** In words of the operator; the driver's error stays the cause. */
const refusal = (error: unknown, { shown }: NatsAddress): StartRefused => {
  if (isAuthorization(error))
    return new StartRefused(
      'queue/credentials-refused',
      `NATS at ${shown} refuses the credentials. Check user, password or token in PABAL_NATS_URL, or PABAL_NATS_CREDENTIALS_FILE, against the server's configuration.`,
      { cause: error },
    )
  const why = error instanceof NatsError ? error.code : (error as Error).message
  return new StartRefused(
    'queue/unreachable',
    `NATS at ${shown} cannot be reached (${why}). Check PABAL_NATS_URL, that nats-server runs there, and whether it wants TLS (and which authority, PABAL_NATS_CA_FILE).`,
    { cause: error },
  )
}

/** Said by its name before anything is tried: the driver would say no more than that there is no file. */
const refuseUnreadable = (variable: string, path: string | undefined): void => {
  if (path === undefined) return
  try {
    accessSync(path, constants.R_OK)
  } catch (cause) {
    const message = `${variable}: ${path} cannot be read.`
    throw new StartRefused('config/unreadable-file', message, { cause })
  }
}

/**
 * A connection that comes back for ever by itself, jittered. The first one must succeed: `StartRefused` with
 * `config/unreadable-file`, `queue/address-invalid`, `queue/credentials-refused` or `queue/unreachable`.
 */
export const connectNats = async (
  options: NatsOptions & { readonly name: string },
): Promise<{ readonly connection: NatsConnection; readonly shown: string }> => {
  const address = parseNatsUrl(options.url)
  refuseUnreadable('PABAL_NATS_CREDENTIALS_FILE', options.credentialsPath)
  refuseUnreadable('PABAL_NATS_CA_FILE', options.caPath)
  const tls = options.caPath === undefined ? {} : { caFile: options.caPath }
  try {
    const connection = await connect({
      servers: [...address.servers],
      ...authentication(address, options.credentialsPath),
      ...((address.tls || options.caPath !== undefined) && { tls }),
      name: options.name,
      timeout: connectTimeoutMs,
      // A frozen link is noticed after two of these.
      pingInterval: pingIntervalMs,
      maxPingOut: 2,
      maxReconnectAttempts: -1,
      reconnectTimeWait: reconnectWaitMs,
      reconnectJitter: reconnectJitterMs,
      reconnectJitterTLS: reconnectJitterMs,
      // Without it a password that is changed on the server first ends the connection for good.
      ignoreAuthErrorAbort: true,
      noAsyncTraces: true,
    })
    return { connection, shown: address.shown }
  } catch (error) {
    throw refusal(error, address)
  }
}
