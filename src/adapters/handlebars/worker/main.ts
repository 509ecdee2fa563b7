import { parentPort, workerData } from 'node:worker_threads'
import type { TemplateSource } from '#ports/renderer.ts'
import {
  type Cell,
  CHECK,
  CHECKED,
  FORGET,
  MESSAGE_CHARS,
  READY,
  REQUEST_WIDTH,
  type WorkerSettings,
} from '../protocol.ts'
import { Stopped } from './known-helpers.ts'
import { type Compiled, check, compile, run } from './template.ts'

// The thread that renders: it has no other input than its messages, and no clock.
const settings = workerData as WorkerSettings
const heartbeat = new Int32Array(settings.heartbeat)
/** By slot; which templates stay is decided on the other side. */
const templates: (Compiled | undefined)[] = []

const templateOf = (slot: number, source: Cell): Compiled => {
  const known = templates[slot]
  if (source === undefined && known) return known
  const compiled = compile(source as TemplateSource)
  templates[slot] = compiled
  return compiled
}

const failure = (error: unknown): Cell[] => {
  if (error instanceof Stopped) return [error.code, error.message, undefined, undefined, undefined]
  // Its message could quote the data.
  const name = error instanceof Error ? error.name : 'Error'
  const message = `The template cannot be rendered with these data (${name}).`
  return ['template/failed', message, undefined, undefined, undefined]
}

const answer = (slot: number, source: Cell, locale: string, data: string): Cell[] => {
  try {
    if (slot === CHECK) {
      const checked = JSON.stringify(check(source as TemplateSource))
      return [CHECKED, checked, undefined, undefined, undefined]
    }
    const template = templateOf(slot, source)
    return ['', ...run(template, JSON.parse(data), locale, settings.outputMaxBytes)]
  } catch (error) {
    return failure(error)
  }
}

parentPort?.on('message', (batch: Cell[]) => {
  let replies: Cell[] = []
  let chars = 0
  for (let at = 0; at < batch.length; at += REQUEST_WIDTH) {
    const [number, slot, source, locale, data] = batch.slice(at, at + REQUEST_WIDTH)
    if (number === FORGET) {
      templates[slot as number] = undefined
      continue
    }
    Atomics.store(heartbeat, 0, number as number)
    const cells = answer(slot as number, source, locale as string, data as string)
    replies.push(number, ...cells)
    chars += cells.reduce<number>(
      (sum, cell) => sum + (typeof cell === 'string' ? cell.length : 0),
      0,
    )
    if (chars < MESSAGE_CHARS) continue
    parentPort?.postMessage(replies)
    replies = []
    chars = 0
  }
  Atomics.store(heartbeat, 0, 0)
  parentPort?.postMessage(replies)
})

parentPort?.postMessage(READY)
