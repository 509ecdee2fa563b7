import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { describe, expect, test } from 'vitest'
import type { NatsOptions } from '#adapters/nats/connecting.ts'
import { inspectNats } from '#adapters/nats/inspect.ts'
import { openNatsEventFeed } from '#adapters/nats/nats-event-feed.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { newItems } from '../../contracts/work-samples.ts'
import { createNatsCredentials } from '../../support/nats/credentials.ts'
import { natsServerProgram, startNatsServer } from '../../support/nats/nats-server.ts'
import { openQueue, silentLog } from '../../support/nats/open-queue.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const clock = createSystemClock()

/** The codes that the queue, the feed and the examination refuse with. */
const refusalsOf = async (options: NatsOptions): Promise<readonly unknown[]> => {
  const codeOf = (error: unknown) => (error as { readonly code?: string }).code
  const found = await inspectNats({ ...options, replicas: 1, clock })
  return [
    await openQueue(options.url, options).then(() => 'open', codeOf),
    await openNatsEventFeed({ ...options, replicas: 1, clock, log: silentLog }).then(
      () => 'open',
      codeOf,
    ),
    ...found.filter(({ level }) => level === 'wrong').map(({ code }) => code),
  ]
}

const works = async (options: NatsOptions): Promise<void> => {
  await using queue = await openQueue(options.url, options)
  await using _feed = await openNatsEventFeed({ ...options, replicas: 1, clock, log: silentLog })
  expect(await queue.publish(newItems(1))).toEqual(['queued'])
  const found = await inspectNats({ ...options, replicas: 1, clock })
  expect(found.filter(({ level }) => level === 'wrong')).toEqual([])
}

test.each([
  ['PABAL_NATS_CREDENTIALS_FILE', 'credentialsPath'],
  ['PABAL_NATS_CA_FILE', 'caPath'],
])('a file that cannot be read is refused by the name of its setting: %s', async (name, option) => {
  const options = { url: 'nats://127.0.0.1:1', [option]: '/not/there' }
  const refused = { name: 'StartRefused', code: 'config/unreadable-file' }
  await expect(openQueue(options.url, options)).rejects.toMatchObject({
    ...refused,
    message: `${name}: /not/there cannot be read.`,
  })
  expect(await refusalsOf(options)).toEqual(Array.from({ length: 3 }, () => refused.code))
})

const here = natsServerProgram !== undefined

describe.skipIf(!here)(here ? 'a server of NATS' : 'a server (no nats-server here)', () => {
  test('that knows users by their credentials files lets in who has one', async () => {
    using directory = temporaryDirectory()
    const [known, unknown] = [createNatsCredentials(), createNatsCredentials()]
    await using server = await startNatsServer({ config: known.config })
    const fileOf = (name: string, text: string): string => {
      const path = join(directory.path, name)
      writeFileSync(path, text)
      return path
    }
    const { url } = server
    await works({ url, credentialsPath: fileOf('known.creds', known.creds) })
    for (const text of [unknown.creds, 'This is no credentials file.']) {
      const refused = await refusalsOf({ url, credentialsPath: fileOf('other.creds', text) })
      expect(refused).toEqual(Array.from({ length: 3 }, () => 'queue/credentials-refused'))
    }
  })

  test('with a certificate of an authority of its own is trusted by the file of that', async () => {
    using directory = temporaryDirectory()
    const pathOf = (name: string) => join(directory.path, name)
    const certificate = () =>
      generate([{ name: 'commonName', value: 'localhost' }], {
        extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
      })
    const [own, other] = await Promise.all([certificate(), certificate()])
    writeFileSync(pathOf('key.pem'), own.private)
    writeFileSync(pathOf('own.pem'), own.cert)
    writeFileSync(pathOf('other.pem'), other.cert)
    await using server = await startNatsServer({
      config: `tls { cert_file: "${pathOf('own.pem')}", key_file: "${pathOf('key.pem')}" }`,
    })
    const url = server.url.replace('127.0.0.1', 'localhost')
    await works({ url, caPath: pathOf('own.pem') })
    const refused = await refusalsOf({ url, caPath: pathOf('other.pem') })
    expect(refused).toEqual(Array.from({ length: 3 }, () => 'queue/unreachable'))
  })
})
