import { scopes as allScopes, decideApp, type Scope } from '#domain/app/app.ts'
import type { KeyHash } from '#ports/key-hash.ts'
import type { Random } from '#ports/random.ts'
import type { Aggregates } from './aggregates.ts'
import type { Patience, Recorder } from './recorder.ts'
import { changeStream } from './stream-change.ts'

/** A key's whole text: `pbl_live_<keyId>_<secret>`; the key id begins with the app's name. */
const keyPattern = /^pbl_live_(([a-z0-9-]{1,32})\.[A-Za-z0-9]{8})_([\w-]{43})$/
/** The secret of a 256-bit key is compared by keyed hash: a slow hash would add nothing. */
const secretBytes = 32

export interface Caller {
  readonly app: string
  readonly keyId: string
  readonly scopes: readonly Scope[]
}

export interface Apps {
  /** Makes the app if it is absent. The key is answered once and kept nowhere. */
  issueKey(
    app: string,
    scopes: readonly Scope[],
    actor: string,
  ): Promise<{ readonly key: string; readonly keyId: string }>
  revokeKey(app: string, keyId: string, actor: string): Promise<boolean>
  exists(app: string): Promise<boolean>
  /** `undefined`: no such key, wrong, or revoked; all of them take the same time. */
  authenticate(key: string): Promise<Caller | undefined>
}

const alphanumeric = (secret: string): string => secret.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 8)

export const createApps = (needs: {
  readonly aggregates: Aggregates
  readonly recorder: Recorder
  readonly keyHash: KeyHash
  readonly random: Random
  readonly patience: Patience
}): Apps => {
  const { aggregates, recorder, keyHash, random, patience } = needs
  const { streamOf } = aggregates

  /** Compared with when there is nothing to compare with. */
  const nobody = keyHash.digest('api-key', random.secret(secretBytes))

  const change = (app: string, decide: Parameters<typeof decideApp>[1], actor: string) =>
    changeStream({
      streams: aggregates.apps,
      stream: streamOf.app(app),
      decide: (state) => decideApp(state, decide),
      context: { app, actor, correlationId: app },
      recorder,
      patience,
    })

  return {
    async issueKey(app, scopes, actor) {
      const keyId = `${app}.${alphanumeric(random.secret(24)).padEnd(8, '0')}`
      const secret = random.secret(secretBytes)
      const hash = keyHash.digest('api-key', `${keyId} ${secret}`)
      const granted = scopes.length > 0 ? scopes : allScopes
      await change(app, { do: 'issue-key', app, keyId, hash, scopes: granted }, actor)
      return { keyId, key: `pbl_live_${keyId}_${secret}` }
    },

    async revokeKey(app, keyId, actor) {
      return (await change(app, { do: 'revoke-key', keyId }, actor)).changed
    },

    async exists(app) {
      return (await aggregates.apps.load(streamOf.app(app))).state !== undefined
    },

    async authenticate(text) {
      const match = keyPattern.exec(text)
      const [, keyId = 'none.00000000', app = 'none', secret = ''] = match ?? []
      const { state } = await aggregates.apps.load(streamOf.app(app))
      const known = state?.keys.find((each) => each.keyId === keyId)
      const right = keyHash.matches('api-key', `${keyId} ${secret}`, known?.hash ?? nobody)
      if (!match || !known || !right || known.revokedAt !== undefined) return undefined
      return { app, keyId, scopes: known.scopes }
    },
  }
}
