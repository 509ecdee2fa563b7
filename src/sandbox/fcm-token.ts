import { randomBytes } from 'node:crypto'
import type { Reply } from './exchange.ts'
import type { Identity } from './identity.ts'
import { isSignedBy, parseJwt } from './jwt.ts'

const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const lifetimeS = 3_600
const tokensMax = 10_000
/** Google's own libraries put this here whatever `token_uri` says. */
const googleTokenUrl = 'https://oauth2.googleapis.com/token'

export interface TokenOffice {
  /** Answers `POST /token`. */
  grant(form: string): Reply
  isValid(accessToken: string): boolean
}

const json = (status: number, body: unknown): Reply => ({
  status,
  headers: { 'content-type': 'application/json; charset=UTF-8' },
  body: JSON.stringify(body),
})

/** Google's OAuth server as far as a service account needs it. */
export const createTokenOffice = (fcm: Identity['fcm'], tokenUrl: () => string): TokenOffice => {
  const expiresAt = new Map<string, number>()

  const complaint = (assertion: string): string | undefined => {
    const jwt = parseJwt(assertion)
    if (jwt === undefined) return 'Bad Request'
    if (!isSignedBy(jwt, 'RS256', fcm.publicKey)) return 'Invalid JWT Signature.'
    const { iss, aud, exp, iat } = jwt.claims
    if (iss !== fcm.clientEmail) return 'Invalid grant: account not found'
    if (aud !== tokenUrl() && aud !== googleTokenUrl) return 'Invalid JWT: wrong audience.'
    const nowS = Date.now() / 1_000
    if (typeof exp !== 'number' || typeof iat !== 'number' || exp < nowS || exp - iat > lifetimeS)
      return 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.'
    return undefined
  }

  return {
    grant: (form) => {
      const fields = new URLSearchParams(form)
      if (fields.get('grant_type') !== grantType)
        return json(400, { error: 'unsupported_grant_type' })
      const error_description = complaint(fields.get('assertion') ?? '')
      if (error_description !== undefined)
        return json(400, { error: 'invalid_grant', error_description })
      const oldest = expiresAt.size >= tokensMax ? expiresAt.keys().next().value : undefined
      if (oldest !== undefined) expiresAt.delete(oldest)
      const access_token = `ya29.${randomBytes(48).toString('base64url')}`
      expiresAt.set(access_token, Date.now() + lifetimeS * 1_000)
      return json(200, { access_token, expires_in: lifetimeS - 1, token_type: 'Bearer' })
    },
    isValid: (accessToken) => (expiresAt.get(accessToken) ?? 0) > Date.now(),
  }
}
