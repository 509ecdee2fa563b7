import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteDocumentStore } from '#adapters/sqlite/sqlite-document-store.ts'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { createSystemRandom } from '#adapters/system/system-random.ts'
import { unarmedCrashPoints } from '#adapters/system/unarmed-crash-points.ts'
import { createCheckpoints } from '#handlers/checkpoints.ts'
import { createProjector } from '#handlers/projector.ts'
import { createReadModels } from '#handlers/read-models.ts'
import { createRecoveryMarks } from '#handlers/recovery-marks.ts'
import { allProjections } from '#projections/all.ts'
import { pathsOf } from '#src/app/embedded.ts'
import { rounded } from './figures.ts'
import { eventsEach, finishedNotification } from './finished.ts'
import { preload } from './preload.ts'

// How long until timers are back after the read models were lost, on a log of so many events:
//   node bench/recovery.ts [EVENTS] [SINCE_MARK]
// All read models are rebuilt at the same time, as they are in a service that starts.

const [events = 1_000_000, sinceMark = 50_000] = process.argv.slice(2).map(Number)
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const say = (line: string): void => void process.stderr.write(`${line}\n`)
/** Open when the mark is made. */
const openOnes = 5_000
const dataDir = join(tmpdir(), `pabal-recovery-${process.pid}`)
const clock = createSystemClock()
const random = createSystemRandom()

const openStores = async () => {
  const log = await openSqliteEventStore({ path: pathsOf(dataDir).events, mode: 'write', clock })
  const documents = await openSqliteDocumentStore({
    path: pathsOf(dataDir).documents,
    mode: 'write',
    clock,
  })
  const readModels = createReadModels({ documents, clock })
  const parts = { events: log, documents, readModels, clock, log: silent }
  const checkpoints = createCheckpoints(parts)
  const projector = createProjector({ ...parts, checkpoints, crashPoints: unarmedCrashPoints })
  return { ...parts, checkpoints, projector }
}

const tenureOf = (signal: AbortSignal) => ({
  ...{ token: random.uuid(), signal },
  confirmed: async () => true,
})

/** Follows with every read model until all are there; answers when the agenda was, and when history was. */
const follow = async (stores: Awaited<ReturnType<typeof openStores>>) => {
  const { projector } = stores
  const stopping = new AbortController()
  const started = performance.now()
  const following = allProjections.map((each) =>
    projector.follow(each, 0, tenureOf(stopping.signal)),
  )
  let timersMs = 0
  for (;;) {
    await clock.sleep(10)
    const { progress } = projector
    const agenda = progress.find(({ projection }) => projection === 'notifications')
    if (agenda?.caughtUp && timersMs === 0) {
      timersMs = performance.now() - started
      say(`timers after ${rounded(timersMs)} ms`)
    }
    const all = progress.length === allProjections.length
    if (all && progress.every((each) => each.caughtUp && !each.history)) break
  }
  stopping.abort()
  await Promise.all(following)
  return { timersMs: Math.round(timersMs), allMs: Math.round(performance.now() - started) }
}

const close = async ({ events: log, documents }: Awaited<ReturnType<typeof openStores>>) => {
  await log[Symbol.asyncDispose]()
  await documents[Symbol.asyncDispose]()
}

const dropReadModels = () => {
  for (const end of ['', '-wal', '-shm'])
    rmSync(`${pathsOf(dataDir).documents}${end}`, { force: true })
}

/** Notifications from one number to another; of every `openEvery`-th only the request. */
const append = async (from: number, to: number, openEvery: number) => {
  await using log = await openSqliteEventStore({ path: pathsOf(dataDir).events, mode: 'write' })
  for (let number = from; number < to; number += 1_000) {
    const some = Array.from({ length: Math.min(1_000, to - number) }, (_, at) => number + at)
    await Promise.all(
      some.map((each) => {
        const { stream, events } = finishedNotification(each, 1_000, clock.now())
        const kept = each % openEvery === 0 ? events.slice(0, 1) : events
        return log.append(stream, kept, { expected: 'no-stream' })
      }),
    )
  }
}

try {
  const first = Math.floor((events - sinceMark) / eventsEach)
  await preload({ dataDir, events: events - sinceMark, recipients: 1_000 }, say)
  await append(first, first + openOnes, 1)
  let stores = await openStores()
  const whole = await follow(stores)
  say(`all read models after ${whole.allMs} ms`)
  const { signal } = new AbortController()
  await createRecoveryMarks({ ...stores, random, signal }).mark()
  await close(stores)
  await append(first + openOnes, first + openOnes + Math.floor(sinceMark / eventsEach), 10)
  dropReadModels()
  stores = await openStores()
  const recovered = await follow(stores)
  await close(stores)
  process.stdout.write(`${JSON.stringify({ events, sinceMark, whole, recovered })}\n`)
} finally {
  rmSync(dataDir, { recursive: true, force: true })
}
