import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runPabal, startService } from '../support/pabal-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const requests = 20

const original = temporaryDirectory()
const ids: string[] = []

/** Some notifications, all waiting for credentials; every test has its own copy of them. */
beforeAll(async () => {
  await using service = await startService({ PABAL_DATA_DIR: original.path })
  for (let index = 0; index < requests; index += 1) {
    const content = { subject: 'Hello', body: 'From a test.' }
    const body = { eventId: `e-${index}`, to: { email: `u${index}@example.org` }, content }
    const answer = await service.post('/v1/notifications', body)
    expect(answer.status).toBe(202)
    ids.push(((await answer.json()) as { id: string }).id)
  }
})

afterAll(() => original[Symbol.dispose]())

const filledDirectory = () => {
  const directory = temporaryDirectory()
  cpSync(original.path, directory.path, { recursive: true })
  return directory
}

const verify = async (dataDir: string) => {
  const { code, out } = await runPabal(['audit', 'verify', '--json'], { PABAL_DATA_DIR: dataDir })
  return { code, ...JSON.parse(out) }
}

const changeReadModel = (dataDir: string, sql: (table: string) => string, ...values: string[]) => {
  using database = new DatabaseSync(join(dataDir, 'read-models.db'))
  const tables = database.prepare("select name from sqlite_master where type = 'table'").all()
  const table = tables
    .map((each) => String(each.name))
    .find((name) => name.includes('notifications'))
  const { changes } = database.prepare(sql(`"${table}"`)).run(...values)
  expect(changes).toBe(1)
}

describe('audit verify', () => {
  test('is clean after a service has stopped, and balances', async () => {
    using directory = filledDirectory()
    const result = await verify(directory.path)
    expect(result).toMatchObject({ code: 0, clean: true, accepted: requests, differences: [] })
    expect(result.finished + result.parked + result.pending).toBe(requests)
  })

  test('is clean beside a running service', async () => {
    using directory = filledDirectory()
    await using _service = await startService({ PABAL_DATA_DIR: directory.path })
    expect(await verify(directory.path)).toMatchObject({ code: 0, clean: true })
  })

  test('names a document that was changed behind the service’s back', async () => {
    using directory = filledDirectory()
    const [, corrupted] = ids
    const lie = (table: string) =>
      `update ${table} set body = replace(body, '"priority":"normal"', '"priority":"urgent"') where id = ?`
    changeReadModel(directory.path, lie, corrupted!)
    const result = await verify(directory.path)
    expect(result).toMatchObject({ code: 1, clean: false })
    expect(result.differences).toMatchObject([
      { projection: 'notifications', id: corrupted, what: 'differs' },
    ])
  })

  test('names a document that is missing', async () => {
    using directory = filledDirectory()
    const [lost] = ids
    changeReadModel(directory.path, (table) => `delete from ${table} where id = ?`, lost!)
    const result = await verify(directory.path)
    expect(result.differences).toMatchObject([{ id: lost, what: 'missing' }])
    expect(result.code).toBe(1)
  })

  test('names a document that no event gave', async () => {
    using directory = filledDirectory()
    const [first] = ids
    const copy = (table: string) =>
      `insert into ${table} select 'stranger', version, body${columnsOf(directory.path)} from ${table} where id = ?`
    changeReadModel(directory.path, copy, first!)
    const result = await verify(directory.path)
    expect(result.differences).toMatchObject([{ id: 'stranger', what: 'not-in-log' }])
  })
})

/** The index columns, which follow id, version and body. */
const columnsOf = (dataDir: string): string => {
  using database = new DatabaseSync(join(dataDir, 'read-models.db'))
  const tables = database.prepare("select name from sqlite_master where type = 'table'").all()
  const table = tables
    .map((each) => String(each.name))
    .find((name) => name.includes('notifications'))
  const columns = database.prepare(`select name from pragma_table_info('${table}')`).all()
  return columns
    .slice(3)
    .map((each) => `, "${each.name}"`)
    .join('')
}

describe('audit show and replay', () => {
  test('print the events of one notification, without what is personal unless asked', async () => {
    using directory = filledDirectory()
    const [id] = ids
    const settings = { PABAL_DATA_DIR: directory.path }
    const plain = await runPabal(['audit', 'show', id!], settings)
    const events = plain.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events.map((each) => each.type)).toEqual([
      'NotificationRequested',
      'NotificationRouted',
      'NotificationDeferred',
    ])
    expect(plain.out).not.toContain('u0@example.org')
    const byEventId = await runPabal(['audit', 'show', '--event-id', 'e-0', '--personal'], settings)
    expect(byEventId.out).toContain('u0@example.org')
  })

  test('resume after a position', async () => {
    using directory = filledDirectory()
    const settings = { PABAL_DATA_DIR: directory.path }
    const types = ['--types', 'NotificationRequested']
    const all = (await runPabal(['audit', 'replay', ...types], settings)).out.trimEnd().split('\n')
    expect(all).toHaveLength(requests)
    const { position } = JSON.parse(all[9]!)
    const rest = await runPabal(['audit', 'replay', ...types, '--after', position], settings)
    expect(rest.out.trimEnd().split('\n')).toEqual(all.slice(10))
  })

  test('write nothing into the data directory', async () => {
    using directory = filledDirectory()
    const before = readdirSync(directory.path).filter((name) => name.endsWith('.db'))
    await runPabal(['audit', 'verify'], { PABAL_DATA_DIR: directory.path })
    expect(readdirSync(directory.path).filter((name) => name.endsWith('.db'))).toEqual(before)
  })
})
