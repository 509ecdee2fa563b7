import { ApnsClient } from 'apns2'
import type { Clock } from '#ports/clock.ts'
import type { Secret } from '#ports/secret.ts'

export interface ProviderTokens {
  /** The value of the `authorization` header. */
  current(): string
  /**
   * APNs finds `used` too old. True: there is a newer one now. At most one is made before its time in 20 minutes,
   * because Apple answers more with TooManyProviderTokenUpdates.
   */
  expired(used: string): boolean
}

export interface ProviderTokenOptions {
  readonly teamId: string
  readonly keyId: string
  readonly key: Secret
  readonly clock: Pick<Clock, 'monotonic'>
}

/** Apple takes them between 20 and 60 minutes old. */
const ageMsMax = 50 * 60_000
const renewedEveryMsMin = 20 * 60_000

/** What apns2 keeps to itself: the package signs, we decide when. */
interface Signer {
  _token: unknown
  _getSigningToken(): string
}

/** Throws if the key cannot sign. The error says nothing of the key. */
export const createProviderTokens = (options: ProviderTokenOptions): ProviderTokens => {
  const { clock } = options
  const client = new ApnsClient({
    team: options.teamId,
    keyId: options.keyId,
    signingKey: options.key.reveal(),
    // Without it apns2 keeps a timer for the connections of its own, which are never opened.
    keepAlive: false,
  })
  const signer = client as unknown as Signer

  const sign = (): string => {
    signer._token = null
    try {
      return `bearer ${signer._getSigningToken()}`
    } catch {
      throw new TypeError(`The APNs key ${options.keyId} is not a P-256 private key in PEM.`)
    }
  }

  let token = sign()
  let madeAt = clock.monotonic()
  let renewedAt = Number.NEGATIVE_INFINITY

  const renew = () => {
    token = sign()
    madeAt = clock.monotonic()
  }

  return {
    current: () => {
      if (clock.monotonic() - madeAt >= ageMsMax) renew()
      return token
    },
    expired: (used) => {
      if (used !== token) return true
      if (clock.monotonic() - renewedAt < renewedEveryMsMin) return false
      renewedAt = clock.monotonic()
      renew()
      return true
    },
  }
}
