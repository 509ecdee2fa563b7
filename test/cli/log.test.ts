import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runPabal, startService } from '../support/pabal-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const original = temporaryDirectory()
const first = { body: '', key: '' }
const asked = {
  eventId: 'order-1:mina',
  to: { email: 'mina@example.org' },
  content: { subject: 'Hello', body: 'From a test.' },
}
const requests = 10

beforeAll(async () => {
  await using service = await startService({ PABAL_DATA_DIR: original.path })
  first.key = service.key
  first.body = await (await service.post('/v1/notifications', asked)).text()
  for (let index = 1; index < requests; index += 1) {
    await service.post('/v1/notifications', { ...asked, eventId: `order-${index}:noa` })
  }
})

afterAll(() => original[Symbol.dispose]())

/** A source of its own for each test, and where it goes. */
const places = () => {
  const root = temporaryDirectory()
  const source = join(root.path, 'source')
  cpSync(original.path, source, { recursive: true })
  return {
    source,
    target: join(root.path, 'target'),
    [Symbol.dispose]: () => root[Symbol.dispose](),
  }
}

const quiet = { PABAL_LOG_LEVEL: 'silent', PABAL_PORT: '0' }
const copy = async (source: string, target: string, ...more: readonly string[]) => {
  const args = ['log', 'copy', '--from', source, '--to', target, '--json', ...more]
  const { code, out, err } = await runPabal(args, quiet)
  return { code, err, ...(out && JSON.parse(out)) }
}
const start = (dataDir: string) =>
  runPabal(['start', '--json'], { ...quiet, PABAL_DATA_DIR: dataDir })

describe('log copy', () => {
  test('moves a service: the old place is closed, a repeated request gets its first answer', async () => {
    using at = places()
    const moved = await copy(at.source, at.target, '--finish')
    expect(moved).toMatchObject({ code: 0, finished: true, source: at.source, target: at.target })

    const closed = await start(at.source)
    expect(closed).toMatchObject({ code: 1, err: expect.stringContaining('[log/sealed]') })
    const order = await runPabal(['keys', 'list'], { ...quiet, PABAL_DATA_DIR: at.source })
    expect(order.err).toContain('[log/sealed]')

    const secret = readFileSync(join(at.source, 'secret.key'), 'utf8').trim()
    await using service = await startService({ PABAL_DATA_DIR: at.target, PABAL_SECRET: secret })
    const again = await fetch(`${service.url}/v1/notifications`, {
      method: 'POST',
      headers: { authorization: `Bearer ${first.key}`, 'content-type': 'application/json' },
      body: JSON.stringify(asked),
    })
    expect(again.headers.get('pabal-replayed')).toBe('true')
    expect(await again.text()).toBe(first.body)
  })

  test('makes a copy that can be audited, and that nothing starts on', async () => {
    using at = places()
    expect(await copy(at.source, at.target)).toMatchObject({ code: 0, finished: false })
    const { code, out } = await runPabal(['audit', 'verify', '--json'], {
      PABAL_DATA_DIR: at.target,
    })
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ clean: true, accepted: requests })
    const refused = await start(at.target)
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringContaining('[log/unfinished-copy]'),
    })
    // The source knows nothing of it.
    await using _service = await startService({ PABAL_DATA_DIR: at.source })
  })

  test('copies beside a running service, but does not move under it', async () => {
    using at = places()
    await using _service = await startService({ PABAL_DATA_DIR: at.source })
    expect(await copy(at.source, at.target)).toMatchObject({ code: 0 })
    const refused = await copy(at.source, at.target, '--finish')
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('[data-dir/locked]') })
  })

  test('names the stream of a copy that was changed', async () => {
    using at = places()
    await copy(at.source, at.target)
    {
      using database = new DatabaseSync(join(at.target, 'events.db'))
      const change =
        "update events set actor = 'cli' where type = 'NotificationRequested' and pos < 9"
      expect(Number(database.prepare(change).run().changes)).toBeGreaterThan(0)
    }
    const { code, err } = await copy(at.source, at.target, '--finish')
    expect(code).toBe(1)
    expect(err).toMatch(/notification-\S+ \(differs\).*\[log\/differs\]/)
  })

  test('never prints what may be secret in an address', async () => {
    using at = places()
    const { code, err } = await copy('http://admin:changeit@db:2113?key=changeit', at.target)
    expect(code).toBe(1)
    expect(err).toContain('[log/address]')
    expect(err).not.toContain('changeit')
  })

  test.each([[[]], [['copy']], [['copy', '--from', 'x']], [['move', '--from', 'x', '--to', 'y']]])(
    'says how it is used instead of guessing: %j',
    async (args) => {
      const { code, err } = await runPabal(['log', ...args], quiet)
      expect(code).toBe(2)
      expect(err).toContain('Usage: ./pabal log copy')
    },
  )
})
