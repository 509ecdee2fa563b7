import { writeSync } from 'node:fs'
import { openSqliteEventStore } from '#adapters/sqlite/sqlite-event-store.ts'
import { newEvents, newStream } from '../../contracts/log-samples.ts'

/** A process for the tests to kill: appends to the log named by its argument and prints what was acknowledged. */
const store = await openSqliteEventStore({ path: process.argv[2] ?? '', mode: 'write' })

const appendForever = async (): Promise<never> => {
  for (;;) {
    const stream = newStream()
    for (let revision = -1; revision < 3; revision++) {
      const events = newEvents(1)
      const expected = revision === -1 ? 'no-stream' : revision
      const { position } = await store.append(stream, events, { expected })
      // Synchronous: a line that was printed left this process before anything can kill it.
      writeSync(1, `${position} ${stream} ${revision + 1} ${events[0]?.id}\n`)
    }
  }
}

await Promise.all(Array.from({ length: 20 }, appendForever))
