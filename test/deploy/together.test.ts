import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  clusterAvailable,
  email,
  noCluster,
  openTestCluster,
  type TestCluster,
  until,
} from '../support/real-cluster.ts'

const slow = 180_000
/** 10,000 before a release: PABAL_TEST_SAME_IDS=10000 npx vitest run test/deploy/together.test.ts */
const sameIds = Number(process.env.PABAL_TEST_SAME_IDS ?? 200)
const atOnce = 20

interface Told {
  readonly status: number
  readonly text: string
  readonly replayed: boolean
}

const told = async (asked: Promise<Response>): Promise<Told> => {
  const answer = await asked
  const replayed = answer.headers.get('pabal-replayed') === 'true'
  return { status: answer.status, text: await answer.text(), replayed }
}

/** Runs `work` for each number below `count`, so many at a time. */
const forEach = async (count: number, work: (index: number) => Promise<void>): Promise<void> => {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

describe.skipIf(!clusterAvailable)(`processes of a cluster ${noCluster}`, () => {
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await openTestCluster({
      processes: [
        ...['api,router,channels', 'api,router,channels'],
        ...['relay,projector,timekeeper', 'relay,projector,timekeeper'],
      ],
      settings: { PABAL_RATE_LIMIT_PER_SECOND: '1000000' },
    })
  }, slow)
  afterAll(() => cluster?.[Symbol.asyncDispose](), slow)

  const ask = (index: number, eventId: string, body: string) =>
    told(cluster.post('/v1/notifications', email(eventId, body), index))

  /** The event ids with this beginning that the log has requests for, one entry for each request. */
  const requested = async (beginning: string): Promise<string[]> => {
    const found: string[] = []
    for (let after: string | undefined; ; ) {
      const place = after === undefined ? {} : { after }
      const query = new URLSearchParams({ types: 'NotificationRequested', ...place })
      const text = await (await cluster.get(`/v1/events?${query}`)).text()
      const lines = text.trimEnd().split('\n')
      const last = JSON.parse(lines.pop()!) as { resumeAfter: string; atHead: boolean }
      for (const line of lines) {
        const { data } = JSON.parse(line) as { data: { eventId: string } }
        if (data.eventId.startsWith(beginning)) found.push(data.eventId)
      }
      if (last.atHead) return found.sort()
      after = last.resumeAfter
    }
  }
  const numbered = (beginning: string): string[] =>
    Array.from({ length: sameIds }, (_, index) => `${beginning}${index}`).sort()

  test(`accept an event id that two of them are given at once, ${sameIds} times, as one`, {
    timeout: slow + sameIds * 100,
  }, async () => {
    const wrong: object[] = []
    await forEach(sameIds, async (index) => {
      const eventId = `same:${index}`
      const [left, right] = await Promise.all([0, 1].map((each) => ask(each, eventId, 'Hello.')))
      const first = [left!, right!].filter(({ replayed }) => !replayed)
      const right202 = left!.status === 202 && right!.status === 202
      if (!right202 || left!.text !== right!.text || first.length !== 1) {
        wrong.push({ eventId, left, right })
      }
    })
    expect(wrong).toEqual([])
    expect(await requested('same:')).toEqual(numbered('same:'))
  })

  test(`accept one of two bodies under one event id, ${sameIds} times, and refuse the other`, {
    timeout: slow + sameIds * 100,
  }, async () => {
    const wrong: object[] = []
    await forEach(sameIds, async (index) => {
      const eventId = `other:${index}`
      const both = await Promise.all([0, 1].map((each) => ask(each, eventId, `Body ${each}.`)))
      if (
        both
          .map(({ status }) => status)
          .sort()
          .join() !== '202,422'
      )
        wrong.push({ eventId, both })
    })
    expect(wrong).toEqual([])
    expect(await requested('other:')).toEqual(numbered('other:'))
  })

  test('are restarted one after the other, and no client with one retry notices', {
    timeout: slow,
  }, async () => {
    const api = [0, 1]
    const lost: object[] = []
    const accepted = new Set<string>()
    let stopping = false
    const tried = async (index: number, eventId: string): Promise<number | string> => {
      try {
        return (await ask(index, eventId, 'Hello.')).status
      } catch (error) {
        return String(error)
      }
    }
    const client = async (name: number): Promise<void> => {
      for (let count = 0; !stopping; count += 1) {
        const eventId = `rolling:${name}:${count}`
        const first = await tried(api[count % 2]!, eventId)
        // Whatever happened, the same request once more, to the other one.
        const last = first === 202 ? first : await tried(api[(count + 1) % 2]!, eventId)
        if (last === 202) accepted.add(eventId)
        else lost.push({ eventId, first, last })
      }
    }
    const clients = Array.from({ length: 4 }, (_, name) => client(name))
    for (const each of cluster.processes) {
      await each.stop()
      await each.start()
    }
    stopping = true
    await Promise.all(clients)
    expect(lost).toEqual([])
    expect(accepted.size).toBeGreaterThan(20)
    const summary = async () => {
      const answer = await fetch(`${cluster.sandbox.controlUrl}/ledger/summary`)
      return ((await answer.json()) as { correlations?: number; requests: number }).requests
    }
    const all = accepted.size + 2 * sameIds
    await until(`all ${all} are sent`, async () => (await summary()) >= all, 120_000)
  })
})
