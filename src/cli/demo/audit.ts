import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runToEnd } from './child.ts'

export interface Audit {
  readonly ok: boolean
  /** What it said. */
  readonly text: string
}

/** The log against the read models, by the command that anybody can run. */
export const audit = async (
  directory: string,
  settings: Readonly<Record<string, string>>,
): Promise<Audit> => {
  const logFile = join(directory, 'audit.log')
  const code = await runToEnd(['audit', 'verify'], settings, logFile)
  return { ok: code === 0, text: readFileSync(logFile, 'utf8').trim() }
}
