import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from '../../../deploy/cluster/start-cluster.ts'
import type { Env } from '../../config.ts'
import { DemoFailure, DemoSkipped } from './failure.ts'
import type { Needs, Processes } from './processes.ts'
import { receiptDelayMs, serviceSettings } from './settings.ts'

/** Of the processes that there are: who takes requests, who is a singleton, and the two others. */
const killOrder = [0, 2, 1, 3] as const

/**
 * Three servers and four processes share this machine. With the usual slots so many attempts at once would
 * wait for the log that each of them came too late (see `fence-too-old`) and was made again.
 */
const slots = {
  PABAL_ROUTE_SLOTS: '16',
  PABAL_PUSH_SLOTS: '16',
  PABAL_SMS_SLOTS: '8',
  PABAL_EMAIL_SLOTS: '8',
}

const startCluster = async (needs: Needs, env: Env): Promise<Cluster> => {
  const { settings, onDeath } = needs
  const { findPrograms, ProgramMissing, skippedExitCode } = await import(
    '../../../deploy/cluster/programs.ts'
  )
  const { startCluster: start } = await import('../../../deploy/cluster/start-cluster.ts')
  const directory = join(needs.directory, 'cluster')
  mkdirSync(directory, { mode: 0o700 })
  try {
    return await start({
      directory,
      programs: findPrograms(env),
      settings: { ...serviceSettings, ...slots },
      sandbox: { seed: settings.seed, faultRate: settings.faultRate, receiptDelayMs },
      onDeath: (name) =>
        onDeath(new DemoFailure(`${name} ended by itself; its log is in ${directory}.`)),
    })
  } catch (error) {
    if (error instanceof ProgramMissing) throw new DemoSkipped(error.message, skippedExitCode)
    throw new DemoFailure(error instanceof Error ? error.message : String(error))
  }
}

/** Servers, providers and four processes, of which one at a time is killed. */
export const openClusterProcesses = async (needs: Needs, env: Env): Promise<Processes> => {
  const cluster = await startCluster(needs, env)
  const { processes, sandbox, settings, servers, firstKey } = cluster
  const { url } = processes[0]!
  let kills = 0
  let up: Promise<void> = Promise.resolve()

  const restart = async (): Promise<void> => {
    const victim = processes[killOrder[kills % killOrder.length]!]!
    kills += 1
    await victim.kill()
    await victim.start()
  }

  return {
    ...{ url, key: firstKey!, sandboxUrl: sandbox.controlUrl },
    auditSettings: settings,
    get kills() {
      return kills
    },
    what: `${processes.length} processes on EventStoreDB${servers.eventStore.kind === 'double' ? ' (played by a double)' : ''}, NATS and MongoDB`,
    lookAgain: `npm run cluster -- --directory ${join(needs.directory, 'cluster')}`,
    up: () => up,
    restart() {
      up = restart()
      // Whoever awaits `up` is told, too.
      up.catch(() => {})
      return up
    },
    async stopService() {
      await Promise.all(processes.map((each) => each.stop()))
    },
    [Symbol.asyncDispose]: () => cluster.stop(),
  }
}
