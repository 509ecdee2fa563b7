import { StartRefused } from '#ports/errors.ts'
import { Secret } from '#ports/secret.ts'

/** Where the servers of one cluster are, and as whom to connect. */
export interface NatsAddress {
  /** `host:port` each. */
  readonly servers: readonly string[]
  readonly tls: boolean
  readonly user?: string
  readonly password?: Secret
  /** `nats://TOKEN@host`. */
  readonly token?: Secret
  /** The same, without what is secret: for messages. */
  readonly shown: string
}

const refuse = (why: string): never => {
  throw new StartRefused(
    'queue/address-invalid',
    `PABAL_NATS_URL ${why}. It looks like nats://user:password@host:4222 (tls:// for TLS); several servers of one cluster are parted by commas.`,
  )
}

const portDefault = 4222

const parseOne = (text: string): URL => {
  const whole = text.includes('://') ? text : `nats://${text}`
  const url = URL.canParse(whole) ? new URL(whole) : refuse('cannot be read')
  if (url.protocol !== 'nats:' && url.protocol !== 'tls:') refuse('is not one of NATS')
  if (url.hostname === '') refuse('names no host')
  return url
}

/** Throws `StartRefused`. The driver would take credentials in a URL for a part of the host. */
export const parseNatsUrl = (text: string): NatsAddress => {
  const urls = text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map(parseOne)
  const [first] = urls
  if (first === undefined) return refuse('is empty')
  const servers = urls.map((url) => `${url.hostname}:${url.port || portDefault}`)
  const withUser = urls.find((url) => url.username !== '') ?? first
  const user = decodeURIComponent(withUser.username)
  const password = new Secret(decodeURIComponent(withUser.password))
  const tls = urls.some((url) => url.protocol === 'tls:')
  const address = { servers, tls, shown: `${tls ? 'tls' : 'nats'}://${servers.join(',')}` }
  if (user === '') return address
  return withUser.password === ''
    ? { ...address, token: new Secret(user) }
    : { ...address, user, password }
}
