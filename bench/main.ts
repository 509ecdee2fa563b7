import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ProgramMissing, skippedExitCode } from '../deploy/cluster/programs.ts'
import { findServers } from './cluster/servers.ts'
import { compare } from './compare.ts'
import { type ClusterFigures, figuresLine, figuresTable } from './figures.ts'
import { measure, type Say } from './measure.ts'
import { parseBenchArgs } from './options.ts'
import { startSandbox } from './service-process.ts'

const temporaryFolder = (keep: boolean) => {
  const path = mkdtempSync(join(tmpdir(), 'pabal-bench-'))
  return {
    path,
    [Symbol.dispose]: () => {
      if (!keep) rmSync(path, { recursive: true, force: true })
    },
  }
}

/** Measures this machine; docs/performance.md says what each figure means. */
export const runBench = async (args: string[]): Promise<number> => {
  const options = parseBenchArgs(args)
  const started = performance.now()
  const say: Say = (line) => {
    const seconds = ((performance.now() - started) / 1_000).toFixed(1).padStart(6)
    process.stderr.write(`bench ${seconds} s  ${line}\n`)
  }
  using folder = temporaryFolder(options.keep)
  const show = (figures: Partial<ClusterFigures>): void => {
    process.stdout.write(options.json ? `${figuresLine(figures)}\n` : `${figuresTable(figures)}\n`)
  }
  if (options.cluster) {
    await using found = findServers(process.env)
    say(`cluster: ${found.shown}`)
    // Programs that were started end with this process, if that ends by itself.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
    // The drivers of the cluster are loaded only here.
    const { measureCluster } = await import('./cluster/measure-cluster.ts')
    show(await measureCluster(options, { directory: folder.path, programs: found }, say))
    return 0
  }
  await using sandbox = await startSandbox()
  const sandboxUrl = sandbox.ready.controlUrl
  if (options.compareRounds > 0) {
    const comparison = await compare(options, { dir: folder.path, sandboxUrl }, say)
    if (comparison) process.stdout.write(`${JSON.stringify(comparison)}\n`)
    return 0
  }
  const place = { dataDir: join(folder.path, 'data'), sandboxUrl }
  show(await measure(options, place, say))
  return 0
}

if (import.meta.main) {
  try {
    process.exitCode = await runBench(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof ProgramMissing)) throw error
    process.stderr.write(`bench: skipped. ${error.message}\n`)
    process.exitCode = skippedExitCode
  }
}
