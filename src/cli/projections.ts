import { parseArgs } from 'node:util'
import type { Env } from '../config.ts'
import { giveOrder, misused, printJson, printTable } from './orders.ts'

const usage = `./pabal projections list [--json]
       ./pabal projections rebuild NAME [--json]`

interface Listed {
  readonly name: string
  readonly version: number
  readonly active: number
  readonly building?: number
  readonly progress: readonly {
    readonly generation: number
    readonly position?: string
    readonly caughtUp: boolean
  }[]
}

const list = async (env: Env, json: boolean): Promise<void> => {
  const answer = await giveOrder<{ projections: readonly Listed[]; head?: string }>(
    env,
    'projections.list',
    {},
  )
  if (json) return printJson(answer)
  const rows = answer.projections.map((each) => {
    const now = each.progress.find(({ generation }) => generation === each.active)
    const state =
      each.building === undefined ? (now?.caughtUp ? 'up to date' : 'behind') : 'rebuilding'
    return [
      each.name,
      `${each.version}.${each.active}`,
      now?.position ?? '-',
      now ? state : 'not running',
    ]
  })
  printTable([['READ MODEL', 'VERSION', 'POSITION', 'STATE'], ...rows])
}

/** Read models can be built anew at any time: the new one replaces the old when it has caught up. */
export const runProjections = async (args: string[], env: Env): Promise<number> => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  })
  const [verb, name] = positionals
  if (verb === 'list') await list(env, values.json)
  else if (verb === 'rebuild' && name !== undefined) {
    const answer = await giveOrder<{ startsWithService: boolean }>(env, 'projections.rebuild', {
      name,
    })
    if (values.json) printJson(answer)
    else {
      const when = answer.startsWithService
        ? 'is rebuilt when the service starts'
        : 'is being rebuilt'
      process.stdout.write(
        `The read model ${name} ${when}; ./pabal projections list shows how far it is.\n`,
      )
    }
  } else return misused(usage)
  return 0
}
