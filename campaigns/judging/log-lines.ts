import { readFileSync } from 'node:fs'

interface LogLine {
  readonly level: number
  readonly msg: string
}

const errorLevel = 50
/** Faults of the sandbox may do this, and time undoes it. */
const mayBeSaid: ReadonlySet<string> = new Set(['Sending under a credential is paused.'])
/** A warning only, because nothing is lost; but no kill leaves such a checkpoint behind. */
const neverSaid: ReadonlySet<string> = new Set([
  'A checkpoint does not fit this log and is not used.',
])

const isWrong = ({ level, msg }: LogLine): boolean =>
  neverSaid.has(msg) || (level >= errorLevel && !mayBeSaid.has(msg))

const parse = (line: string): LogLine => {
  try {
    return JSON.parse(line) as LogLine
  } catch {
    // Not the log of the service but what ended a process, or the half of a line that a kill left.
    return line.startsWith('{') ? { level: 0, msg: '' } : { level: errorLevel, msg: line }
  }
}

/**
 * Sentences that no life should have written, each with how often it was. `expected`: what these faults may
 * make it say beside what any may.
 */
export const wrongLogLines = (files: readonly string[], expected?: RegExp): readonly string[] => {
  const lines = files.flatMap((file) => readFileSync(file, 'utf8').split('\n'))
  const wrong = lines.filter((line) => line !== '').map(parse)
  const unexpected = wrong.filter((each) => isWrong(each) && !expected?.test(each.msg))
  const bySentence = Map.groupBy(unexpected, ({ msg }) => msg)
  return [...bySentence].map(([msg, all]) => `${all.length} × ${msg}`)
}
