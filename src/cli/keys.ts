import { parseArgs } from 'node:util'
import type { Env } from '../config.ts'
import { giveOrder, misused, printJson, printTable } from './orders.ts'

const usage = `./pabal keys issue [--app default] [--scopes send,read,recipients,templates,operate] [--json]
       ./pabal keys list [--json]
       ./pabal keys revoke KEY_ID [--json]`

interface ListedKey {
  readonly app: string
  readonly keyId: string
  readonly scopes: readonly string[]
  readonly issuedAt: string
  readonly revokedAt?: string
}

const list = async (env: Env, json: boolean): Promise<void> => {
  const { keys } = await giveOrder<{ keys: readonly ListedKey[] }>(env, 'keys.list', {})
  if (json) return printJson({ keys })
  const rows = keys.map(({ app, keyId, scopes, issuedAt, revokedAt }) => [
    app,
    keyId,
    scopes.join(','),
    issuedAt,
    revokedAt ? `revoked ${revokedAt}` : 'valid',
  ])
  printTable([['APP', 'KEY', 'SCOPES', 'ISSUED', 'STATE'], ...rows])
}

/** `keys issue` makes the app if it is absent. A key is shown once. */
export const runKeys = async (args: string[], env: Env): Promise<number> => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      app: { type: 'string', default: 'default' },
      scopes: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const [verb, keyId] = positionals
  if (verb === 'list') await list(env, values.json)
  else if (verb === 'issue') {
    const scopes = values.scopes?.split(',') ?? []
    const issued = await giveOrder<{ key: string; keyId: string }>(env, 'keys.issue', {
      app: values.app,
      scopes,
    })
    if (values.json) printJson(issued)
    else {
      // Apart, so that KEY=$(./pabal keys issue) holds the key alone.
      process.stderr.write(`Key ${issued.keyId} of the app "${values.app}"; shown only now:\n`)
      process.stdout.write(`${issued.key}\n`)
    }
  } else if (verb === 'revoke' && keyId !== undefined) {
    const { revoked } = await giveOrder<{ revoked: boolean }>(env, 'keys.revoke', { keyId })
    if (values.json) printJson({ keyId, revoked })
    else process.stdout.write(`Key ${keyId} ${revoked ? 'is revoked' : 'was revoked before'}.\n`)
  } else return misused(usage)
  return 0
}
