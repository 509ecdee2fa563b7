import { hash } from 'node:crypto'

/** Names made here stay the same for ever: they are the keys of the log. */
const namespace = Buffer.from('6f1b6a0e3c5d5b0f9a3e5d7c1a2b4c6d', 'hex')

const variants = ['8', '9', 'a', 'b']

/** RFC 9562 version 5 UUID of a text, in Pabal's own namespace. */
export const uuidOf = (...parts: readonly string[]): string => {
  // Parts are joined by NUL, which no part may hold alone: app names cannot, ids are checked by the API.
  const hex = hash('sha1', Buffer.concat([namespace, Buffer.from(parts.join('\u0000'))]), 'hex')
  const variant = variants[Number.parseInt(hex[16]!, 16) & 3]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** One notification per app and producer's event id, whatever Unicode the id holds. */
export const notificationIdOf = (app: string, eventId: string): string =>
  uuidOf('notification', app, eventId)

export const recipientIdOf = (app: string, userId: string): string =>
  uuidOf('recipient', app, userId)

export const templateIdOf = (app: string, name: string): string => uuidOf('template', app, name)

/** `digest` is the keyed hash of the address: the address itself never names a stream. */
export const addressIdOf = (app: string, digest: string): string => uuidOf('address', app, digest)

export const sha256 = (text: string): string => hash('sha256', text, 'base64url')

/** Stored beside each fingerprint, so that a better algorithm can come without breaking old ids. */
export const fingerprintVersion = 1
