import { createHash } from 'node:crypto'
import { nkeys } from 'nats'

type KeyPair = ReturnType<typeof nkeys.createUser>

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token as NATS reads it, signed with an nkey. */
const token = (by: KeyPair, of: KeyPair, name: string, nats: object): string => {
  const claims = { iss: by.getPublicKey(), sub: of.getPublicKey(), name, iat: 1_700_000_000, nats }
  const jti = createHash('sha256').update(JSON.stringify(claims)).digest('hex')
  const signed = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded({ ...claims, jti })}`
  return `${signed}.${Buffer.from(by.sign(Buffer.from(signed))).toString('base64url')}`
}

const unlimited = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, conn: -1, leaf: -1 }
const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }

/** What a server is configured with that knows an operator, and the credentials file of a user of its account. */
export const createNatsCredentials = (): { readonly config: string; readonly creds: string } => {
  const [operator, system, account, user] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createAccount(),
    nkeys.createUser(),
  ]
  const accountToken = (of: KeyPair, name: string, limits: object): string => {
    const nats = {
      type: 'account',
      version: 2,
      limits: { ...unlimited, wildcards: true, ...limits },
    }
    return token(operator, of, name, nats)
  }
  const config = `
    operator: ${token(operator, operator, 'operator', { type: 'operator', version: 2 })}
    system_account: ${system.getPublicKey()}
    resolver: MEMORY
    resolver_preload: {
      ${system.getPublicKey()}: ${accountToken(system, 'system', {})}
      ${account.getPublicKey()}: ${accountToken(account, 'pabal', storage)}
    }`
  const claims = { type: 'user', version: 2, subs: -1, data: -1, payload: -1 }
  const creds = `-----BEGIN NATS USER JWT-----
${token(account, user, 'pabal', claims)}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${Buffer.from(user.getSeed()).toString()}
------END USER NKEY SEED------
`
  return { config, creds }
}
