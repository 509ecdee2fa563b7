import type { BareAddress, EndpointRef } from './events.ts'

/** Names an address to people who may not see it. */
export const mask = {
  phone: (phone: string): string =>
    `${phone.slice(0, 3)}${'*'.repeat(Math.max(0, phone.length - 5))}${phone.slice(-2)}`,
  email: (email: string): string => `${email.slice(0, 1)}***${email.slice(email.lastIndexOf('@'))}`,
  token: (token: string): string => `${token.slice(0, 6)}…`,
}

/**
 * What two spellings of one address have in common. Mailbox names may differ by case in theory (RFC 5321,
 * section 2.4); no provider tells them apart, and who said no to one has said no to both.
 */
export const comparable = (address: string): string =>
  address.includes('@') ? address.toLowerCase() : address

export const bareEndpoint = (to: BareAddress): EndpointRef => {
  if ('email' in to) return { kind: 'email', masked: mask.email(to.email) }
  if ('phone' in to) return { kind: 'phone', masked: mask.phone(to.phone) }
  const { platform, token } = to.device
  return { kind: 'device', platform, masked: mask.token(token) }
}
