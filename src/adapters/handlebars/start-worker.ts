import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { Worker } from 'node:worker_threads'
import type { WorkerSettings } from './protocol.ts'

/** Runs in the worker before anything else: modules that we hand over are not read from disk again. */
const bootstrap = `
const { registerHooks } = require('node:module')
const { workerData } = require('node:worker_threads')
registerHooks({
  load: (url, context, next) =>
    workerData.modules.has(url)
      ? { format: 'module', source: workerData.modules.get(url), shortCircuit: true }
      : next(url, context),
})
import(workerData.entry)
`

/** `stripTypeScriptTypes` warns on stderr that it is experimental, where our logs are JSON lines. */
const withoutWarnings = <T>(action: () => T): T => {
  const emitWarning = process.emitWarning
  process.emitWarning = () => {}
  try {
    return action()
  } finally {
    process.emitWarning = emitWarning
  }
}

const stripAll = (): ReadonlyMap<string, string> => {
  const folder = new URL('worker/', import.meta.url)
  const urls = readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => new URL(name, folder))
  urls.push(new URL('protocol.ts', import.meta.url))
  return withoutWarnings(
    () => new Map(urls.map((url) => [url.href, stripTypeScriptTypes(readFileSync(url, 'utf8'))])),
  )
}

let stripped: ReadonlyMap<string, string> | undefined

/**
 * A thread that reads TypeScript loads its own copy of the compiler, 11 MB and 20 ms more. This one has it
 * already, so the worker's modules are stripped here, once, and handed over.
 */
export const startWorker = (settings: WorkerSettings, memoryMb: number): Worker => {
  stripped ??= stripAll()
  const entry = new URL('worker/main.ts', import.meta.url).href
  return new Worker(bootstrap, {
    eval: true,
    name: 'pabal-renderer',
    // Neither flags nor secrets of the process are of use to a template.
    argv: [],
    execArgv: [],
    env: {},
    workerData: { ...settings, modules: stripped, entry },
    resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 4 },
  })
}
