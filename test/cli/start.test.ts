import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { runPabal, startService } from '../support/pabal-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const hello = (eventId: string, text = 'Hello.') => ({
  eventId,
  to: { email: 'mina@example.org' },
  content: { subject: 'Hello', body: text },
})

/** A file system of two megabytes; `undefined` where this user may not mount one. */
const mountTiny = (path: string): Disposable | undefined => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=0700', 'tmpfs', path], {
      stdio: 'ignore',
    })
    return { [Symbol.dispose]: () => execFileSync('umount', ['-l', path]) }
  } catch {
    return undefined
  }
}

const mountable = (() => {
  using directory = temporaryDirectory()
  using mounted = mountTiny(directory.path)
  return mounted !== undefined
})()

describe('a start that cannot be', () => {
  test('names the process that holds the data directory', async () => {
    using directory = temporaryDirectory()
    await using service = await startService({ PABAL_DATA_DIR: directory.path })
    const second = await runPabal(['start'], { PABAL_DATA_DIR: directory.path, PABAL_PORT: '0' })
    expect(second.code).toBe(1)
    expect(second.err).toContain('[data-dir/locked]')
    expect(second.err).toContain(`pid ${service.process.pid}`)
  })

  test('says that the path of the data directory is too long, and makes nothing there', async () => {
    using directory = temporaryDirectory()
    const dataDir = join(directory.path, 'x'.repeat(100))
    const settings = { PABAL_DATA_DIR: dataDir, PABAL_PORT: '0' }
    const { code, err } = await runPabal(['start'], settings)
    expect(code).toBe(1)
    expect(err).toContain('PABAL_DATA_DIR')
    expect(err).toContain('[data-dir/path-too-long]')
    expect(existsSync(dataDir)).toBe(false)
    const doctor = await runPabal(['doctor', '--json'], settings)
    expect(doctor.out).toContain('data-dir/path-too-long')
  })

  test('names the roles that do not exist', async () => {
    using directory = temporaryDirectory()
    const settings = { PABAL_DATA_DIR: directory.path, PABAL_PORT: '0' }
    const { code, err } = await runPabal(['start', '--roles', 'api,postman'], settings)
    expect(code).toBe(1)
    expect(err).toContain('there is no role "postman"')
  })

  test('says that the data directory cannot be written', async () => {
    using directory = temporaryDirectory()
    // Even root cannot make a directory below a file.
    const file = join(directory.path, 'file')
    writeFileSync(file, '')
    const settings = { PABAL_DATA_DIR: join(file, 'data'), PABAL_PORT: '0' }
    const { code, err } = await runPabal(['start'], settings)
    expect(code).toBe(1)
    expect(err).toContain('[data-dir/not-writable]')
    expect(err).toContain('PABAL_DATA_DIR')
  })

  test('refuses the file of a newer version, and leaves it as it is', async () => {
    using directory = temporaryDirectory()
    await (await startService({ PABAL_DATA_DIR: directory.path }))[Symbol.asyncDispose]()
    const path = join(directory.path, 'events.db')
    const change = () => {
      using database = new DatabaseSync(path)
      database.exec("update meta set value = '99' where key = 'format'")
      return database.prepare('select total_changes() as changes').get()?.changes
    }
    expect(change()).toBe(1)
    const { code, err } = await runPabal(['start'], {
      PABAL_DATA_DIR: directory.path,
      PABAL_PORT: '0',
    })
    expect(code).toBe(1)
    expect(err).toContain('[store/newer-version]')
  })

  test('names every wrong setting at once', async () => {
    const settings = { PABAL_PORT: 'x', PABAL_COLOUR: 'red', PABAL_TWILIO_FROM: '+15005550006' }
    const { code, err } = await runPabal(['start'], settings)
    expect(code).toBe(1)
    expect(err).toContain('PABAL_PORT')
    expect(err).toContain('PABAL_COLOUR')
  })

  test('says which port is taken', async () => {
    using directory = temporaryDirectory()
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
    const { port } = squatter.address() as { port: number }
    const settings = { PABAL_DATA_DIR: directory.path, PABAL_PORT: String(port) }
    const { code, err } = await runPabal(['start'], settings)
    squatter.close()
    expect(code).toBe(1)
    expect(err).toContain('[start/port]')
    expect(err).toContain(String(port))
  })
})

describe('a running service', () => {
  test('keeps what it answered through a kill, and its first answers', async () => {
    using directory = temporaryDirectory()
    const settings = { PABAL_DATA_DIR: directory.path }
    const first = await startService(settings)
    const answer = await first.post('/v1/notifications', hello('e-1'))
    const text = await answer.text()
    first.process.kill('SIGKILL')
    await new Promise((resolve) => first.process.once('exit', resolve))
    await using second = await startService(settings)
    const headers = { authorization: `Bearer ${first.key}`, 'content-type': 'application/json' }
    const body = JSON.stringify(hello('e-1'))
    const again = await fetch(`${second.url}/v1/notifications`, { method: 'POST', headers, body })
    expect(again.headers.get('pabal-replayed')).toBe('true')
    expect(await again.text()).toBe(text)
  })

  test('ends by itself on SIGTERM', async () => {
    using directory = temporaryDirectory()
    const service = await startService({ PABAL_DATA_DIR: directory.path })
    await service[Symbol.asyncDispose]()
    expect(service.process.exitCode).toBe(0)
  })

  test('names the providers that have no credentials, and is ready all the same', async () => {
    using directory = temporaryDirectory()
    await using service = await startService({ PABAL_DATA_DIR: directory.path })
    const answer = await fetch(`${service.url}/readyz`)
    expect(answer.status).toBe(200)
    const named = async () => {
      const { problems } = (await (await fetch(`${service.url}/readyz`)).json()) as {
        problems: { provider?: string }[]
      }
      return problems.map((each) => each.provider)
    }
    // Before its first look at the log a read model is behind, and named too.
    await expect.poll(named, { timeout: 10_000 }).toEqual(['apns', 'fcm', 'twilio', 'sendgrid'])
  })

  test('serves no more than how it does without the role api', async () => {
    using directory = temporaryDirectory()
    const settings = { PABAL_DATA_DIR: directory.path, PABAL_ROLES: 'relay,projector,timekeeper' }
    await using service = await startService(settings)
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200)
    expect((await service.get('/v1/queues')).status).toBe(404)
    expect(service.key).toBeUndefined()
  })

  test.skipIf(!mountable)(
    'answers 503 while the disk is full, loses nothing and goes on by itself (needs a mount of tmpfs)',
    async () => {
      using directory = temporaryDirectory()
      using _mounted = mountTiny(directory.path)
      await using service = await startService({ PABAL_DATA_DIR: directory.path })
      const ballast = join(directory.path, 'ballast')
      writeFileSync(ballast, Buffer.alloc(300_000))
      const accepted: string[] = []
      let refused: Response | undefined
      for (let index = 0; index < 2_000 && !refused; index += 1) {
        const body = hello(`e-${index}`, 'x'.repeat(5_000))
        const answer = await service.post('/v1/notifications', body)
        if (answer.status === 202) accepted.push(body.eventId)
        else refused = answer
      }
      expect(refused?.status).toBe(503)
      expect(refused?.headers.get('retry-after')).toBeTruthy()
      expect(await refused?.json()).toMatchObject({ code: 'store/disk-full' })
      expect((await fetch(`${service.url}/readyz`)).status).toBe(503)
      rmSync(ballast)
      const retried = await service.post('/v1/notifications', hello('after'))
      expect(retried.status).toBe(202)
      for (const eventId of accepted) {
        const found = await service.get(`/v1/notifications?eventId=${eventId}`)
        expect(found.status).toBe(200)
      }
    },
  )
})

describe('keys', () => {
  test('are issued, listed and revoked beside a service and without one', async () => {
    using directory = temporaryDirectory()
    const settings = { PABAL_DATA_DIR: directory.path }
    const offline = (await runPabal(['keys', 'issue', '--app', 'shop'], settings)).out.trim()
    await using service = await startService(settings)
    const ask = (key: string) =>
      fetch(`${service.url}/v1/notifications`, { headers: { authorization: `Bearer ${key}` } })
    expect((await ask(offline)).status).toBe(200)
    const online = await runPabal(
      ['keys', 'issue', '--app', 'shop', '--scopes', 'send', '--json'],
      settings,
    )
    const { key, keyId } = JSON.parse(online.out)
    expect((await ask(key)).status).toBe(403)
    expect((await runPabal(['keys', 'revoke', keyId], settings)).code).toBe(0)
    expect((await ask(key)).status).toBe(401)
    const listed = await runPabal(['keys', 'list', '--json'], settings)
    const keys = JSON.parse(listed.out).keys as { keyId: string; revokedAt?: string }[]
    expect(keys.filter((each) => each.revokedAt).map((each) => each.keyId)).toEqual([keyId])
    expect(listed.out).not.toContain(key)
  })

  test('with a scope that does not exist are refused', async () => {
    using directory = temporaryDirectory()
    const wrong = await runPabal(['keys', 'issue', '--scopes', 'all'], {
      PABAL_DATA_DIR: directory.path,
    })
    expect(wrong.code).toBe(1)
    expect(wrong.err).toContain('send, read, recipients, templates, operate')
  })
})

describe('a backup', () => {
  test('taken while the service runs can be started from', async () => {
    using directory = temporaryDirectory()
    using copy = temporaryDirectory()
    await using service = await startService({ PABAL_DATA_DIR: directory.path })
    await service.post('/v1/notifications', hello('e-1'))
    const to = join(copy.path, 'backup')
    expect((await runPabal(['backup', to], { PABAL_DATA_DIR: directory.path })).code).toBe(0)
    const again = await runPabal(['backup', to], { PABAL_DATA_DIR: directory.path })
    expect(again.code).toBe(1)
    const verified = await runPabal(['audit', 'verify', '--json'], { PABAL_DATA_DIR: to })
    expect(JSON.parse(verified.out)).toMatchObject({ clean: true, accepted: 1 })
  })
})

describe('a rebuild', () => {
  test('replaces a read model while the service runs', async () => {
    using directory = temporaryDirectory()
    const settings = { PABAL_DATA_DIR: directory.path }
    await using service = await startService(settings)
    await service.post('/v1/notifications', hello('e-1'))
    expect((await runPabal(['projections', 'rebuild', 'notifications'], settings)).code).toBe(0)
    const generation = async () => {
      const { out } = await runPabal(['projections', 'list', '--json'], settings)
      const { projections } = JSON.parse(out) as { projections: { name: string; active: number }[] }
      return projections.find((each) => each.name === 'notifications')?.active
    }
    let active = await generation()
    for (let tries = 0; active !== 1 && tries < 20; tries += 1) active = await generation()
    expect(active).toBe(1)
    const history = await service.get('/v1/notifications')
    expect(await history.text()).toContain('"eventId":"e-1"')
  })

  test('of something that is no read model names those there are', async () => {
    using directory = temporaryDirectory()
    const wrong = await runPabal(['projections', 'rebuild', 'stars'], {
      PABAL_DATA_DIR: directory.path,
    })
    expect(wrong.code).toBe(1)
    expect(wrong.err).toContain('notifications')
  })
})
