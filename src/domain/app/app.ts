import { type RecordedFact, Refusal, UnknownEvent } from '../recorded-fact.ts'

export const scopes = ['send', 'read', 'recipients', 'templates', 'operate'] as const
export type Scope = (typeof scopes)[number]

/** In stream names, keys and addresses; so it is short and plain. */
export const appNamePattern = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/

export interface AppEvents {
  AppCreated: { readonly app: string }
  AppKeyIssued: {
    readonly keyId: string
    /** Keyed hash of the secret; the secret itself is shown once and kept nowhere. */
    readonly hash: string
    readonly scopes: readonly Scope[]
  }
  AppKeyRevoked: { readonly keyId: string }
}

export type AppEvent = {
  readonly [T in keyof AppEvents]: { readonly type: T; readonly data: AppEvents[T] }
}[keyof AppEvents]

export interface ApiKey {
  readonly keyId: string
  readonly hash: string
  readonly scopes: readonly Scope[]
  readonly issuedAt: string
  readonly revokedAt?: string
}

export interface AppState {
  readonly revision: number
  readonly app: string
  readonly keys: readonly ApiKey[]
}

export const evolveApp = (state: AppState | undefined, fact: RecordedFact): AppState => {
  if (fact.schemaVersion !== 1) throw new UnknownEvent(fact.type, fact.schemaVersion)
  const { revision } = fact
  const { at } = fact.metadata
  const before = state ?? { revision, app: '', keys: [] }
  switch (fact.type as keyof AppEvents) {
    case 'AppCreated':
      return { ...before, revision, app: (fact.data as AppEvents['AppCreated']).app }
    case 'AppKeyIssued': {
      const key = { ...(fact.data as AppEvents['AppKeyIssued']), issuedAt: at }
      return { ...before, revision, keys: [...before.keys, key] }
    }
    case 'AppKeyRevoked': {
      const { keyId } = fact.data as AppEvents['AppKeyRevoked']
      const keys = before.keys.map((each) =>
        each.keyId === keyId && !each.revokedAt ? { ...each, revokedAt: at } : each,
      )
      return { ...before, revision, keys }
    }
    default:
      throw new UnknownEvent(fact.type, fact.schemaVersion)
  }
}

export type AppCommand =
  | { readonly do: 'create'; readonly app: string }
  | {
      readonly do: 'issue-key'
      readonly app: string
      readonly keyId: string
      readonly hash: string
      readonly scopes: readonly Scope[]
    }
  | { readonly do: 'revoke-key'; readonly keyId: string }

const create = (app: string): AppEvent => {
  if (appNamePattern.test(app)) return { type: 'AppCreated', data: { app } }
  throw new Refusal(
    'app/invalid',
    'An app name has 1 to 32 of a-z, 0-9 and -, and begins and ends with a letter or digit.',
  )
}

/** Issuing a key makes the app if it is absent. Revoking twice is harmless. */
export const decideApp = (
  state: AppState | undefined,
  command: AppCommand,
): readonly AppEvent[] => {
  switch (command.do) {
    case 'create':
      if (state) throw new Refusal('app/exists', `There is an app ${command.app} already.`)
      return [create(command.app)]
    case 'issue-key': {
      const { keyId, hash, scopes } = command
      const issued: AppEvent = { type: 'AppKeyIssued', data: { keyId, hash, scopes } }
      return state ? [issued] : [create(command.app), issued]
    }
    case 'revoke-key': {
      const key = state?.keys.find((each) => each.keyId === command.keyId)
      if (!key) throw new Refusal('app/key-not-found', `There is no key ${command.keyId}.`)
      if (key.revokedAt) return []
      return [{ type: 'AppKeyRevoked', data: { keyId: command.keyId } }]
    }
  }
}
