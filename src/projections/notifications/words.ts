import type {
  DeferredData,
  EndpointRef,
  FailureOutcome,
  PassedOver,
  SuppressionReason,
} from '#domain/notification/events.ts'

/** What recorded reasons are called. A new reason without a word does not compile. */

export const reasonWords: Readonly<Record<SuppressionReason, string>> = {
  'recipient-unknown': 'nobody was known under this user id',
  'no-endpoint': 'the recipient had no address for this channel',
  'opted-out': 'the recipient did not want it',
  'address-suppressed': 'nothing may be sent to this address',
  'device-removed': 'the device had been removed meanwhile',
  'channel-not-in-template': 'there was no text for this channel',
  'channel-not-requested': 'the request had not asked for this channel',
  'platform-not-supported': 'no provider carries this platform',
}

export const outcomeWords: Readonly<Record<FailureOutcome, string>> = {
  retry: 'was not sent',
  ambiguous: 'may have been sent or not',
  permanent: 'was refused for good',
  'endpoint-invalid': 'was refused because the address is dead',
  'opted-out': 'was refused because the recipient does not want it',
  config: 'was not sent because our credentials or settings were refused',
}

export const deferralWords: Readonly<Record<DeferredData['reason'], string>> = {
  'quiet-hours': 'these are quiet hours for the recipient',
  'frequency-cap': 'the recipient has been told enough for now',
  'provider-paused': 'nothing can be sent by the provider for now',
}

const closingWords: Readonly<Record<string, string>> = {
  'expires-at': 'its time to expire had come',
  'open-too-long': 'it had been open for 72 hours',
  'given-up': 'it was open too long, or its fate stayed unknown too often',
  unreadable: 'an event of it cannot be read',
  requested: 'somebody asked for it',
}

/** A recorded reason that has no words of its own is quoted. */
export const closingReason = (reason: string): string =>
  Object.hasOwn(closingWords, reason) ? closingWords[reason]! : `"${reason}"`

const kindWords: Readonly<Record<string, string>> = {
  device: 'device',
  phone: 'phone',
  email: 'e-mail address',
  push: 'any device',
  sms: 'any phone',
  recipient: 'user',
}

export const endpointWords = (endpoint: EndpointRef | PassedOver['endpoint']): string => {
  const { kind, masked } = endpoint
  const kindWord = kindWords[kind] ?? kind
  const { deviceId, platform } = endpoint as EndpointRef
  const named = [kindWord, deviceId, platform && `(${platform})`, masked]
  return named.filter((each) => each !== undefined && each !== '').join(' ')
}

const seenWords = (seen: Readonly<Record<string, unknown>>): string =>
  Object.entries(seen)
    .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')

/** The rule as it was recorded, with the values that it saw. */
export const ruleWords = (rule: string, seen: Readonly<Record<string, unknown>>): string => {
  const values = seenWords(seen)
  return values === '' ? `rule ${rule}` : `rule ${rule} saw ${values}`
}

/** `1 delivery`, `2 deliveries`. */
export const counted = (count: number, one: string, many: string): string =>
  `${count} ${count === 1 ? one : many}`
