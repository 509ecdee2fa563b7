import { canonicalJson } from '../canonical-json.ts'
import type { Channel, Platform } from '../notification/events.ts'
import { type RecordedFact, Refusal, UnknownEvent } from '../recorded-fact.ts'

/** Most specific first: category and channel, then either, then everything. Absent: yes. */
export interface Preferences {
  /** `false`: nothing at all, whatever else is said. */
  readonly receive?: boolean
  readonly channels?: Readonly<Partial<Record<Channel, boolean>>>
  readonly categories?: Readonly<
    Record<string, boolean | { readonly channels: Readonly<Partial<Record<Channel, boolean>>> }>
  >
}

export interface RecipientEvents {
  RecipientUpdated: {
    readonly app: string
    readonly userId: string
    readonly locale?: string
    readonly timeZone?: string
  }
  RecipientDeviceAdded: { readonly deviceId: string; readonly platform: Platform }
  RecipientDeviceRemoved: {
    readonly deviceId: string
    readonly reason: 'requested' | 'endpoint-invalid' | 'replaced'
    /** What the provider said that proves it; the attempt that met it. */
    readonly evidence?: Readonly<Record<string, unknown>>
  }
  RecipientPreferencesChanged: { readonly preferences: Preferences }
}
export type RecipientEventType = keyof RecipientEvents

export interface ProfilePersonal {
  readonly email?: string
  readonly phone?: string
}
export interface DevicePersonal {
  readonly token: string
}

export type RecipientEvent = {
  readonly [T in RecipientEventType]: {
    readonly type: T
    readonly data: RecipientEvents[T]
    readonly personal?: ProfilePersonal | DevicePersonal
  }
}[RecipientEventType]

export interface Device {
  readonly deviceId: string
  readonly platform: Platform
  readonly token: string
  /** When this token was registered, milliseconds since the epoch. */
  readonly registeredAt: number
}

export interface Recipient extends ProfilePersonal {
  readonly revision: number
  readonly app: string
  readonly userId: string
  readonly locale?: string
  readonly timeZone?: string
  readonly devices: readonly Device[]
  readonly preferences: Preferences
}

export const devicesMax = 50

const emptyRecipient = { devices: [], preferences: {} }

/** The recipient's stream begins with `RecipientUpdated`; facts before it are passed over. */
export const evolveRecipient = (
  state: Recipient | undefined,
  fact: RecordedFact,
): Recipient | undefined => {
  if (fact.schemaVersion !== 1) throw new UnknownEvent(fact.type, fact.schemaVersion)
  const type = fact.type as RecipientEventType
  const { revision } = fact
  if (type === 'RecipientUpdated') {
    const { app, userId, locale, timeZone } = fact.data as RecipientEvents['RecipientUpdated']
    const { email, phone } = (fact.personal ?? {}) as ProfilePersonal
    return {
      devices: state?.devices ?? emptyRecipient.devices,
      preferences: state?.preferences ?? emptyRecipient.preferences,
      revision,
      app,
      userId,
      ...(locale !== undefined && { locale }),
      ...(timeZone !== undefined && { timeZone }),
      ...(email !== undefined && { email }),
      ...(phone !== undefined && { phone }),
    }
  }
  switch (type) {
    case 'RecipientDeviceAdded':
      return state && { ...withDevice(state, fact), revision }
    case 'RecipientDeviceRemoved': {
      const { deviceId } = fact.data as RecipientEvents['RecipientDeviceRemoved']
      const devices = state?.devices.filter((each) => each.deviceId !== deviceId)
      return state && devices && { ...state, devices, revision }
    }
    case 'RecipientPreferencesChanged': {
      const { preferences } = fact.data as RecipientEvents['RecipientPreferencesChanged']
      return state && { ...state, preferences, revision }
    }
    default:
      throw new UnknownEvent(fact.type, fact.schemaVersion)
  }
}

const withDevice = (state: Recipient, fact: RecordedFact): Recipient => {
  const { deviceId, platform } = fact.data as RecipientEvents['RecipientDeviceAdded']
  const { token } = (fact.personal ?? { token: '' }) as unknown as DevicePersonal
  const registeredAt = Date.parse(fact.metadata.at)
  const others = state.devices.filter((each) => each.deviceId !== deviceId)
  return { ...state, devices: [...others, { deviceId, platform, token, registeredAt }] }
}

export type RecipientCommand =
  | {
      readonly do: 'update'
      readonly app: string
      readonly userId: string
      readonly profile: ProfilePersonal & { readonly locale?: string; readonly timeZone?: string }
    }
  | {
      readonly do: 'add-device'
      readonly deviceId: string
      readonly platform: Platform
      readonly token: string
    }
  | {
      readonly do: 'remove-device'
      readonly deviceId: string
      readonly reason: 'requested' | 'endpoint-invalid'
      /** Only when the device still has this token: a new registration is not harmed by an old answer. */
      readonly ifToken?: string
      readonly evidence?: Readonly<Record<string, unknown>>
    }
  | { readonly do: 'change-preferences'; readonly preferences: Preferences }

const existing = (state: Recipient | undefined): Recipient => {
  if (state) return state
  throw new Refusal('recipient/not-found', 'There is no such recipient; PUT its profile first.')
}

const update = (
  state: Recipient | undefined,
  command: Extract<RecipientCommand, { do: 'update' }>,
): readonly RecipientEvent[] => {
  const { app, userId } = command
  const { email, phone, locale, timeZone } = command.profile
  const same =
    state?.email === email &&
    state?.phone === phone &&
    state?.locale === locale &&
    state?.timeZone === timeZone
  if (state && same) return []
  const data = {
    app,
    userId,
    ...(locale !== undefined && { locale }),
    ...(timeZone !== undefined && { timeZone }),
  }
  const personal = { ...(email !== undefined && { email }), ...(phone !== undefined && { phone }) }
  return [{ type: 'RecipientUpdated', data, personal }]
}

const addDevice = (
  recipient: Recipient,
  command: Extract<RecipientCommand, { do: 'add-device' }>,
): readonly RecipientEvent[] => {
  const { deviceId, platform, token } = command
  const known = recipient.devices.find((each) => each.deviceId === deviceId)
  if (known?.token === token && known.platform === platform) return []
  // One phone has one token: known under another name, it would be told everything twice.
  const twins = recipient.devices.filter((each) => each.token === token && each !== known)
  if (!known && recipient.devices.length - twins.length >= devicesMax) {
    throw new Refusal(
      'recipient/too-many-devices',
      `A recipient has at most ${devicesMax} devices; remove one first.`,
    )
  }
  const removed = twins.map((twin): RecipientEvent => {
    return { type: 'RecipientDeviceRemoved', data: { deviceId: twin.deviceId, reason: 'replaced' } }
  })
  const data = { deviceId, platform }
  return [...removed, { type: 'RecipientDeviceAdded', data, personal: { token } }]
}

const removeDevice = (
  recipient: Recipient,
  command: Extract<RecipientCommand, { do: 'remove-device' }>,
): readonly RecipientEvent[] => {
  const { deviceId, reason, ifToken, evidence } = command
  const known = recipient.devices.find((each) => each.deviceId === deviceId)
  if (!known || (ifToken !== undefined && known.token !== ifToken)) return []
  const data = { deviceId, reason, ...(evidence && { evidence }) }
  return [{ type: 'RecipientDeviceRemoved', data }]
}

/** Idempotent: what changes nothing records nothing. */
export const decideRecipient = (
  state: Recipient | undefined,
  command: RecipientCommand,
): readonly RecipientEvent[] => {
  switch (command.do) {
    case 'update':
      return update(state, command)
    case 'add-device':
      return addDevice(existing(state), command)
    case 'remove-device':
      return removeDevice(existing(state), command)
    case 'change-preferences': {
      const { preferences } = existing(state)
      if (canonicalJson(preferences) === canonicalJson(command.preferences)) return []
      const data = { preferences: command.preferences }
      return [{ type: 'RecipientPreferencesChanged', data }]
    }
  }
}

/** The rule that says no, or `undefined` for yes. The most specific rule that was set decides. */
export const optedOutBy = (
  preferences: Preferences,
  category: string,
  channel: Channel,
): string | undefined => {
  if (preferences.receive === false) return 'preferences.receive'
  const byCategory = Object.hasOwn(preferences.categories ?? {}, category)
    ? preferences.categories![category]
    : undefined
  if (typeof byCategory === 'object') {
    const both = byCategory.channels[channel]
    if (both === false) return `preferences.categories.${category}.channels.${channel}`
    if (both === true) return undefined
  }
  if (byCategory === false) return `preferences.categories.${category}`
  if (preferences.channels?.[channel] === false) return `preferences.channels.${channel}`
  return undefined
}
