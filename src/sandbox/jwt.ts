import { type KeyObject, verify } from 'node:crypto'

export interface Jwt {
  header: Record<string, unknown>
  claims: Record<string, unknown>
  signed: string
  signature: Buffer
}

const part = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** Undefined if it is not a JSON Web Token at all. Nothing is verified yet. */
export const parseJwt = (token: string): Jwt | undefined => {
  const [head, body, tail, ...more] = token.split('.')
  if (head === undefined || body === undefined || !tail || more.length > 0) return undefined
  const header = part(head)
  const claims = part(body)
  if (header === undefined || claims === undefined) return undefined
  return { header, claims, signed: `${head}.${body}`, signature: Buffer.from(tail, 'base64url') }
}

/** The algorithm is the caller's, never the one the token asks for. */
export const isSignedBy = (jwt: Jwt, algorithm: 'ES256' | 'RS256', key: KeyObject): boolean =>
  jwt.header.alg === algorithm &&
  verify(
    'sha256',
    Buffer.from(jwt.signed),
    algorithm === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key,
    jwt.signature,
  )
