import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventually } from '../../contracts/eventually.ts'
import { newEvents, newStream, readLog } from '../../contracts/log-samples.ts'
import { type DoubleProcess, startDouble } from '../../support/eventstoredb/process.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { openStore, shortTiming } from './open-store.ts'

test.each(['classic', 'batch'] as const)(
  'a server that is killed, stopped and started again costs time alone (%s)',
  async (append) => {
    using directory = temporaryDirectory()
    const file = join(directory.path, 'log.sqlite')
    let server: DoubleProcess = await startDouble({ file })
    try {
      const timing = { ...shortTiming, callMs: 15_000 }
      await using store = await openStore(server.url, { append, timing })
      const acknowledged: string[] = []
      let isOver = false
      const write = async (): Promise<void> => {
        while (!isOver) {
          const events = newEvents(2)
          await store.append(newStream(), events, { expected: 'no-stream' })
          acknowledged.push(...events.map(({ id }) => id))
        }
      }
      const seen: string[] = []
      const stop = new AbortController()
      const following = (async () => {
        for await (const page of store.subscribe({ limit: 7, signal: stop.signal }))
          seen.push(...page.events.map(({ id }) => id))
      })()
      const writers = Array.from({ length: 8 }, write)
      const { port } = server
      for (let restart = 1; restart <= 2; restart++) {
        await eventually(() => acknowledged.length > restart * 100)
        await server.kill()
        server = await startDouble({ file, port })
      }
      await server.arm({ kind: 'no-reply', times: 3 })
      const { length } = acknowledged
      server.child.kill('SIGSTOP')
      await new Promise((resolve) => setTimeout(resolve, 500))
      server.child.kill('SIGCONT')
      await eventually(() => acknowledged.length > length + 100)
      isOver = true
      await Promise.all(writers)
      expect((await server.counts()).struck).toEqual({ 'no-reply': 3 })
      const stored = (await readLog(store, undefined)).map(({ id }) => id)
      await eventually(() => seen.length >= stored.length)
      stop.abort()
      await following
      expect(new Set(stored)).toEqual(new Set(acknowledged))
      expect(stored).toHaveLength(acknowledged.length)
      expect(seen).toEqual(stored)
    } finally {
      await server.kill()
    }
  },
)
