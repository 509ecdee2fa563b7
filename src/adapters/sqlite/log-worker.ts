import { workerData } from 'node:worker_threads'
import { answerCalls, failureOf } from './answer-calls.ts'
import { type LogCommitter, type OpenedLog, openLogCommitter } from './log-committer.ts'
import type { AppendRows } from './log-writer.ts'

let log: (LogCommitter & OpenedLog) | undefined

answerCalls((call, [group]) => {
  log ??= openLogCommitter(workerData.path)
  if (call === 'open') {
    const { logId, synchronous, position } = log
    return { logId, synchronous, position }
  }
  if (call === 'close') return log.close()
  const { answers, position } = log.commit(group as readonly AppendRows[])
  const crossing = answers.map((each) =>
    'failure' in each ? { failure: failureOf(each.failure) } : each,
  )
  return { answers: crossing, position }
})
