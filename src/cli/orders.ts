import { createSystemClock } from '#adapters/system/system-clock.ts'
import { askControl } from '../app/control.ts'
import { pathsOf } from '../app/embedded.ts'
import { openBase } from '../app/open-base.ts'
import { createOperatorOrders } from '../app/operations.ts'
import { type Env, isCluster, parseConfig } from '../config.ts'

/**
 * Has an order carried out: by the running service, or, when none runs, here under its lock. In a cluster
 * always here, on the servers that all processes share.
 */
export const giveOrder = async <Answer extends object>(
  env: Env,
  order: string,
  args: object,
): Promise<Answer> => {
  const config = parseConfig(env)
  if (!isCluster(config)) {
    const answer = await askControl(
      pathsOf(config.dataDir).control,
      { name: order, args },
      createSystemClock(),
    )
    if (answer) return answer as Answer
  }
  await using core = await openBase(config, {}, 'order')
  return (await createOperatorOrders({ core })[order]!({ ...args })) as Answer
}

/** Prints a table for people. */
export const printTable = (rows: readonly (readonly string[])[]): void => {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  for (const row of rows) {
    const cells = row.map((cell, column) => cell.padEnd(widths[column]!))
    process.stdout.write(`${cells.join('  ').trimEnd()}\n`)
  }
}

export const printJson = (value: object): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

/** Says how a command is used, and that it was not. */
export const misused = (usage: string): number => {
  process.stderr.write(`Usage: ${usage}\n`)
  return 2
}
