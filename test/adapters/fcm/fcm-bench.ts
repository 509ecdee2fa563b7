import { generateKeyPairSync } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import { Secret } from '#ports/secret.ts'
import type { Sandbox } from '#sandbox/sandbox.ts'
import { type FcmOptions, openFcmChannel } from '../../../src/adapters/fcm/fcm-channel.ts'
import { realClock, unique } from '../wire/channel-bench.ts'

export const registrationToken = () => `registration-token-${unique()}`

export const openChannel = ({ config }: Sandbox, changes: Partial<FcmOptions> = {}) =>
  openFcmChannel({
    ...config.fcm,
    serviceAccount: new Secret(JSON.stringify(config.fcm.serviceAccount)),
    clock: realClock,
    ...changes,
  })

/** The sandbox's service account with a key that it does not know. */
export const foreignAccount = ({ config }: Sandbox): Secret => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const private_key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  return new Secret(JSON.stringify({ ...config.fcm.serviceAccount, private_key }))
}

export interface TokenServer extends AsyncDisposable {
  readonly url: string
  asked: number
}

/** A token endpoint that answers as the test likes. */
export const startTokenServer = async (answer: RequestListener): Promise<TokenServer> => {
  const server = createServer((incoming, response) => {
    running.asked += 1
    incoming.resume()
    answer(incoming, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const running: TokenServer = {
    url: `http://127.0.0.1:${port}/token`,
    asked: 0,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return running
}
