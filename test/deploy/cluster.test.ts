import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runPabal } from '../support/pabal-process.ts'
import {
  clusterAvailable,
  email,
  noCluster,
  openTestCluster,
  type TestCluster,
  until,
} from '../support/real-cluster.ts'

const slow = 180_000
const everything = 'api,router,channels,relay,projector,timekeeper'

describe.skipIf(!clusterAvailable)(`a cluster ${noCluster}`, { timeout: slow }, () => {
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await openTestCluster({ processes: [everything, 'api'] })
  }, slow)
  afterAll(() => cluster?.[Symbol.asyncDispose](), slow)

  const delivered = (eventId: string, index = 0) =>
    until(
      `${eventId} is delivered`,
      async () => (await cluster.statusOf(eventId, index)) === 'delivered',
    )

  test('delivers what one process accepts, and tells it through another', async () => {
    const answer = await cluster.post('/v1/notifications', email('first'))
    expect(answer.status).toBe(202)
    await delivered('first', 1)
    const again = await cluster.post('/v1/notifications', email('first'), 1)
    expect(again.headers.get('pabal-replayed')).toBe('true')
    expect(await again.text()).toBe(await answer.text())
  })

  test('takes orders from the command line without a socket', async () => {
    const issued = await runPabal(['keys', 'issue', '--app', 'shop', '--json'], cluster.settings)
    expect(issued.code).toBe(0)
    const { keyId } = JSON.parse(issued.out)
    const listed = await runPabal(['keys', 'list', '--json'], cluster.settings)
    const { keys } = JSON.parse(listed.out) as { keys: { keyId: string }[] }
    expect(keys.map((each) => each.keyId)).toContain(keyId)
    const { out } = await runPabal(['projections', 'list', '--json'], cluster.settings)
    const { projections } = JSON.parse(out) as { projections: { progress: object[] }[] }
    expect(projections.every(({ progress }) => progress.length > 0)).toBe(true)
    const parked = await runPabal(['parked', 'list', '--json'], cluster.settings)
    expect(parked.err).toBe('')
    expect(JSON.parse(parked.out)).toEqual({ parked: [] })
    const backup = await runPabal(['backup', `${cluster.directory}/b`], cluster.settings)
    expect([backup.code, backup.err]).toEqual([1, expect.stringContaining('[backup/cluster]')])
  })

  test('rebuilds a read model that the command line asks for', async () => {
    const ordered = await runPabal(['projections', 'rebuild', 'apps', '--json'], cluster.settings)
    expect(JSON.parse(ordered.out)).toMatchObject({ name: 'apps', startsWithService: false })
    await until('the rebuilt one is active', async () => {
      const { out } = await runPabal(['projections', 'list', '--json'], cluster.settings)
      const { projections } = JSON.parse(out) as { projections: { name: string; active: number }[] }
      return projections.find(({ name }) => name === 'apps')?.active === 1
    })
  })

  test('finds nothing wrong with itself, and its log says what its read models say', async () => {
    const doctor = await runPabal(['doctor', '--json'], cluster.settings)
    const { findings } = JSON.parse(doctor.out) as {
      findings: { level: string; subject: string }[]
    }
    expect(findings.filter(({ level }) => level === 'wrong')).toEqual([])
    const subjects = new Set(findings.map(({ subject }) => subject))
    for (const subject of ['log', 'queue', 'documents']) expect(subjects).toContain(subject)
    await delivered('first')
    const audit = await runPabal(['audit', 'verify', '--json'], cluster.settings)
    expect(JSON.parse(audit.out)).toMatchObject({ clean: true, accepted: 1, finished: 1 })
  })

  test('tells one notification from the log while MongoDB is away, and goes on when it is back', async () => {
    await cluster.servers.mongodb.stop()
    const accepted = await cluster.post('/v1/notifications', email('without-documents'))
    expect(accepted.status).toBe(202)
    const { id } = (await accepted.json()) as { id: string }
    const one = await cluster.get(`/v1/notifications/${id}`)
    expect([one.status, ((await one.json()) as { id: string }).id]).toEqual([200, id])
    const page = await cluster.get('/v1/notifications')
    expect(page.status).toBe(503)
    expect(page.headers.get('retry-after')).toBeTruthy()
    const { status, codes } = await cluster.readiness()
    expect([status, codes]).toEqual([200, [expect.stringMatching(/^documents\//)]])
    await cluster.servers.mongodb.start()
    await delivered('without-documents')
    await until(
      'nothing is named any more',
      async () => (await cluster.readiness()).codes.length === 0,
    )
    expect((await cluster.get('/v1/notifications')).status).toBe(200)
  })

  test('accepts while NATS is away, and delivers when it is back, wiped or not', async () => {
    const { nats } = cluster.servers
    await nats.kill()
    expect((await cluster.post('/v1/notifications', email('without-queue'))).status).toBe(202)
    await until('the queue is named', async () => {
      const { status, codes } = await cluster.readiness()
      return status === 200 && codes.some((code) => code.startsWith('queue/'))
    })
    nats.wipe()
    await nats.start()
    await delivered('without-queue')
    await until(
      'nothing is named any more',
      async () => (await cluster.readiness()).codes.length === 0,
    )
  })

  test('answers 503 while the log is away, and goes on when it is back', async () => {
    const { eventStore } = cluster.servers
    await eventStore.kill()
    const refused = await cluster.post('/v1/notifications', email('without-log'))
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBeTruthy()
    await until('it is not ready', async () => (await cluster.readiness()).status === 503)
    expect((await cluster.readiness()).codes.length).toBeGreaterThan(0)
    await eventStore.start()
    await until('it accepts', async () => {
      const answer = await cluster.post('/v1/notifications', email('without-log'))
      return answer.status === 202
    })
    await delivered('without-log')
    await until('it is ready', async () => (await cluster.readiness()).status === 200)
  })
})

const dead = {
  PABAL_EVENTSTORE_URL: 'esdb://admin:hush-1@127.0.0.1:1?tls=false',
  PABAL_NATS_URL: 'nats://pabal:hush-2@127.0.0.1:1',
  PABAL_MONGODB_URL: 'mongodb://pabal:hush-3@127.0.0.1:1/pabal',
  PABAL_SECRET: 'a secret that is long enough for every test',
}

describe('a start on servers that do not answer', { timeout: slow }, () => {
  test('names each of them at once, and no password', async () => {
    const { code, err } = await runPabal(['start'], { ...dead, PABAL_PORT: '0' }, 60_000)
    expect(code).toBe(1)
    expect(err).toContain('[start/cluster]')
    const named = [...err.matchAll(/^ {2}- .*\[([a-z-]+)\/[a-z-]+\]$/gm)].map(([, area]) => area)
    expect(named).toEqual(['eventstore', 'queue', 'documents'])
    expect(err).not.toMatch(/hush-\d/)
  })

  test('is what the doctor tells, too', async () => {
    const { code, out } = await runPabal(['doctor', '--json'], dead, 60_000)
    expect(code).toBe(1)
    const { findings } = JSON.parse(out) as { findings: { level: string; subject: string }[] }
    const wrong = findings.filter(({ level }) => level === 'wrong')
    expect(wrong.map(({ subject }) => subject)).toEqual(['log', 'queue', 'documents'])
    expect(out).not.toMatch(/hush-\d/)
  })
})
