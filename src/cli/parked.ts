import { parseArgs } from 'node:util'
import type { Env } from '../config.ts'
import { giveOrder, misused, printJson, printTable } from './orders.ts'

const usage = `./pabal parked list [--app NAME] [--json]
       ./pabal parked redrive ID | --all [--app default] [--force] [--json]`

interface Redriven {
  readonly redriven: readonly string[]
  readonly unreadable: readonly string[]
}

/** What waits for a person, and how it goes on. */
export const runParked = async (args: string[], env: Env): Promise<number> => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      app: { type: 'string' },
      all: { type: 'boolean', default: false },
      force: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const [verb, id] = positionals
  if (verb === 'list') {
    const order = values.app === undefined ? {} : { app: values.app }
    const { parked } = await giveOrder<{ parked: readonly { app: string; id: string }[] }>(
      env,
      'parked.list',
      order,
    )
    if (values.json) printJson({ parked })
    else printTable([['APP', 'NOTIFICATION'], ...parked.map((each) => [each.app, each.id])])
    return 0
  }
  if (verb !== 'redrive' || (id === undefined) === !values.all) return misused(usage)
  const { force, all, app = 'default' } = values
  const order = { app, force, ...(all ? { all } : { id }) }
  const answer = await giveOrder<Redriven>(env, 'parked.redrive', order)
  const { redriven, unreadable } = answer
  if (values.json) printJson(answer)
  else process.stdout.write(`${redriven.length} redriven.\n`)
  for (const each of unreadable) {
    process.stderr.write(`${each} holds an event that this version cannot read; it stays parked.\n`)
  }
  return 0
}
