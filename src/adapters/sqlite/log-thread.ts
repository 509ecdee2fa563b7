import type { Failure } from './answer-calls.ts'
import { errorOf, startAnsweringThread } from './answering-thread.ts'
import type { Committed, LogCommitter, OpenedLog } from './log-committer.ts'

/** Room for the groups on their way and the heads of streams. */
const oldGenerationMaxMb = 128

/** A committer whose calls are answered later, in their order. */
export type AnsweringCommitter = {
  readonly [C in keyof LogCommitter]: (
    ...args: Parameters<LogCommitter[C]>
  ) => Promise<ReturnType<LogCommitter[C]>>
}

/** Commits, and waits for the disk, in a thread of its own. One that dies is replaced at the next call. */
export const openLogThread = async (path: string): Promise<AnsweringCommitter & OpenedLog> => {
  const thread = startAnsweringThread({
    name: 'pabal-log',
    module: new URL('log-worker.ts', import.meta.url),
    workerData: { path },
    oldGenerationMaxMb,
  })
  const opened = await thread.open<OpenedLog>()
  return {
    ...opened,
    async commit(group) {
      const { answers, position } = await thread.ask<Committed>('commit', group)
      const thrown = answers.map((each) =>
        'failure' in each ? { failure: errorOf(each.failure as Failure) } : each,
      )
      return { answers: thrown, position }
    },
    async close() {
      const warnings = await thread.ask<readonly string[]>('close')
      await thread.end()
      return warnings
    },
  }
}
