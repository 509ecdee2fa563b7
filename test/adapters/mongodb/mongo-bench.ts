import { document, newCollection } from '../../contracts/document-samples.ts'
import { startMongoServer } from '../../support/mongodb/mongo-server.ts'
import { openStore } from './mongo-store.ts'

// `node test/adapters/mongodb/mongo-bench.ts [URL]`: documents replaced and found per second, and what this
// process spends on one. Without an address it starts the server of the suites, whose own speed it then measures.

const count = 10_000
const bulk = 1_000
await using server = process.argv[2] === undefined ? await startMongoServer() : undefined
const url = server ? `${server.url}/bench` : process.argv[2]!
await using store = await openStore(url, { timeoutMs: 60_000 })
const collection = newCollection([
  { name: 'by_user', fields: ['app', 'userId', 'at'] },
  { name: 'due', fields: ['due.push'], partial: true },
])
const bodyOf = (n: number, round: number) => ({
  app: 'default',
  userId: `user-${n % 997}`,
  at: new Date(1_700_000_000_000 + n).toISOString(),
  due: { push: n + round },
  text: 'x'.repeat(600),
})
const ids = Array.from({ length: count }, (_, n) => `notification-${n}`)

const measure = async (what: string, work: (from: number) => Promise<unknown>): Promise<void> => {
  const cpu = process.cpuUsage()
  const started = performance.now()
  for (let from = 0; from < count; from += bulk) await work(from)
  const seconds = (performance.now() - started) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  const own = Math.round((user + system) / count)
  process.stdout.write(`${what}: ${Math.round(count / seconds)}/s, ${own} µs of CPU each\n`)
}
const part = (from: number) => ids.slice(from, from + bulk)

await measure('insert', (from) =>
  store.write(
    collection,
    part(from).map((id, at) => ({ do: 'insert', document: document(id, 0, bodyOf(from + at, 0)) })),
  ),
)
for (let round = 1; round <= 3; round++)
  await measure('replace', (from) =>
    store.write(
      collection,
      part(from).map((id, at) => ({
        do: 'replace',
        document: document(id, round, bodyOf(from + at, round)),
        ifVersion: round - 1,
      })),
    ),
  )
await measure('load', (from) => store.load(collection, part(from)))
const order = { field: 'due.push', direction: 'ascending' } as const
await measure('find', () => store.find(collection, { where: {}, order, limit: bulk }))
// What a timekeeper asks all the time: nothing is due. The server of the suites has no indexes and reads everything.
const range = { field: 'due.push', to: -1 }
const started = performance.now()
for (let n = 0; n < 20; n++) await store.find(collection, { where: {}, range, order, limit: bulk })
const each = (performance.now() - started) / 20
process.stdout.write(`find nothing among ${count}: ${each.toFixed(1)} ms\n`)
await store.drop(collection)
