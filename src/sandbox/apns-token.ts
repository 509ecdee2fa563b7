import type { StatusAnswer } from './answers.ts'
import type { Identity } from './identity.ts'
import { isSignedBy, parseJwt } from './jwt.ts'

const tokenAgeMaxMs = 3_600_000
const clockSkewMs = 300_000
const verifiedMax = 64

const forbidden = (code: string): StatusAnswer => ({ status: 403, code })

/** Refuses what Apple refuses. Verifying costs 0.1 ms and clients send the same token for an hour, so it is remembered. */
export const createTokenCheck = (apns: Identity['apns']) => {
  const issuedAt = new Map<string, number>()

  const issued = (token: string): number | undefined => {
    const jwt = parseJwt(token)
    const iat = jwt?.claims.iat
    if (jwt === undefined || typeof iat !== 'number') return undefined
    if (jwt.header.kid !== apns.keyId || jwt.claims.iss !== apns.teamId) return undefined
    return isSignedBy(jwt, 'ES256', apns.publicKey) ? iat * 1_000 : undefined
  }

  return (authorization: string | undefined): StatusAnswer | undefined => {
    if (authorization === undefined || !/^bearer /i.test(authorization))
      return forbidden('MissingProviderToken')
    const at = issuedAt.get(authorization) ?? issued(authorization.slice('bearer '.length))
    if (at === undefined) return forbidden('InvalidProviderToken')
    if (issuedAt.size >= verifiedMax) issuedAt.clear()
    issuedAt.set(authorization, at)
    const ageMs = Date.now() - at
    if (ageMs > tokenAgeMaxMs) return forbidden('ExpiredProviderToken')
    return ageMs < -clockSkewMs ? forbidden('InvalidProviderToken') : undefined
  }
}
