import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Env } from '../config.ts'
import { giveOrder, misused, printJson } from './orders.ts'

const usage = './pabal backup DIR [--json]'

/** A consistent copy of log and read models, also while the service runs. */
export const runBackup = async (args: string[], env: Env): Promise<number> => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  })
  const [directory] = positionals
  if (directory === undefined) return misused(usage)
  const order = { directory: resolve(directory) }
  const answer = await giveOrder<{ files: readonly string[]; secret: string }>(env, 'backup', order)
  if (values.json) printJson(answer)
  else {
    process.stdout.write(
      `Copied ${answer.files.join(' and ')} to ${order.directory}.\nThe key of all keyed hashes is not in it: keep ${answer.secret} (or PABAL_SECRET) somewhere safe as well.\n`,
    )
  }
  return 0
}
