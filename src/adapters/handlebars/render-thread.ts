import type { Worker } from 'node:worker_threads'
import { Unavailable } from '#ports/errors.ts'
import type { Log } from '#ports/log.ts'
import type { TemplateSource } from '#ports/renderer.ts'
import {
  type Cell,
  CHECK,
  FORGET,
  MESSAGE_CHARS,
  onlyFields,
  READY,
  REPLY_WIDTH,
  REQUEST_WIDTH,
} from './protocol.ts'
import { charsOf, createSourceSlots, type SourceSlots } from './source-slots.ts'
import { startWorker } from './start-worker.ts'
import { createWatchdog, type Watchdog } from './watchdog.ts'

export interface ThreadSettings {
  readonly timeoutMs: number
  readonly outputMaxBytes: number
  readonly memoryMb: number
  readonly log?: Log | undefined
}

export interface Job {
  readonly source: TemplateSource
  /** Absent: the source is to be checked, not rendered. */
  readonly hash?: string
  readonly locale: string
  readonly dataJson: string
  /** Code, then texts or message, as in the protocol. */
  readonly settle: (reply: readonly Cell[]) => void
  readonly reject: (error: Error) => void
}

const QUEUED_MAX = 10_000
/** So many requests are one message: enough to make its cost small, few enough that both threads work. */
const BATCH_MAX = 128
/** A worker that dies without having begun anything is not to blame on a template. */
const DEATHS_MAX = 3
const NUMBER_MAX = 2 ** 31 - 1
const TEMPLATES_MAX = 1_000
/** Compiled code takes up to 46 bytes a character of its source: so at most 3/8 of the heap. */
const CHARS_MAX_PER_MB = 8 * 1024

/** One generation: a worker and what is known of it. Replaced as a whole. */
interface Generation {
  readonly worker: Worker
  readonly slots: SourceSlots
  readonly heartbeat: Int32Array
  error?: Error
}

/**
 * One worker and the requests in it. Requests are collected until the end of the event loop's turn and go
 * over together. What a worker had not answered when it was replaced goes to the next one, but for the
 * request that it was busy with.
 */
export class RenderThread {
  readonly #settings: ThreadSettings
  readonly #watchdog: Watchdog
  readonly #ending = new Set<Promise<number>>()
  readonly #sent = new Map<number, Job>()
  #queue: Job[] = []
  #generation: Generation | undefined
  #number = 0
  #flushing = false
  #deaths = 0
  #closed = false
  #whenIdle: (() => void) | undefined

  constructor(settings: ThreadSettings) {
    this.#settings = settings
    this.#watchdog = createWatchdog(settings.timeoutMs, {
      current: () => {
        if (this.#sent.size === 0 || !this.#generation) return undefined
        return Atomics.load(this.#generation.heartbeat, 0)
      },
      overrun: (number) => this.#overrun(number),
    })
  }

  get load(): number {
    return this.#queue.length + this.#sent.size
  }

  /** Resolves when the worker runs; rejects when it cannot. */
  async start(): Promise<void> {
    const { worker } = this.#begin()
    await new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve())
      worker.once('error', reject)
      worker.once('exit', () => reject(new Error('The rendering worker ended at once.')))
    })
  }

  submit(job: Job): void {
    if (this.#closed) job.reject(closed())
    else if (this.load >= QUEUED_MAX)
      job.reject(new Unavailable('renderer/full', 'Too much waits to be rendered.'))
    else {
      this.#queue.push(job)
      this.#flushSoon()
    }
  }

  /** Answers what is in flight, for as long as `drainMs`; refuses the rest. */
  async close(drainMs: number): Promise<void> {
    this.#closed = true
    if (this.load > 0) {
      const timer = Promise.withResolvers<void>()
      const limit = setTimeout(timer.resolve, drainMs)
      this.#whenIdle = timer.resolve
      await timer.promise
      clearTimeout(limit)
    }
    this.#refuseAll(closed())
    this.#watchdog.stop()
    this.#end()
    await Promise.all(this.#ending)
  }

  #begin(): Generation {
    const { outputMaxBytes, memoryMb } = this.#settings
    const heartbeat = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
    const worker = startWorker({ heartbeat, outputMaxBytes }, memoryMb)
    const generation: Generation = {
      worker,
      slots: createSourceSlots({
        entriesMax: TEMPLATES_MAX,
        charsMax: memoryMb * CHARS_MAX_PER_MB,
      }),
      heartbeat: new Int32Array(heartbeat),
    }
    this.#generation = generation
    worker.on('message', (message: Cell[] | typeof READY) => {
      if (this.#generation === generation && message !== READY) this.#receive(message as Cell[])
    })
    worker.on('error', (error: Error) => {
      generation.error = error
    })
    worker.on('exit', () => {
      if (this.#generation === generation) this.#died(generation)
    })
    return generation
  }

  #end(): void {
    const worker = this.#generation?.worker
    this.#generation = undefined
    if (!worker) return
    const ending = worker.terminate()
    this.#ending.add(ending)
    void ending.finally(() => this.#ending.delete(ending))
  }

  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#queue.length === 0) return
    const generation = this.#generation ?? this.#begin()
    const jobs = this.#queue
    this.#queue = []
    let batch: Cell[] = []
    let chars = 0
    for (const job of jobs) {
      chars += this.#write(batch, job, generation)
      if (batch.length < BATCH_MAX * REQUEST_WIDTH && chars < MESSAGE_CHARS) continue
      generation.worker.postMessage(batch)
      batch = []
      chars = 0
    }
    if (batch.length > 0) generation.worker.postMessage(batch)
    this.#watchdog.watch()
  }

  /** Appends a job to a batch; answers its size. */
  #write(batch: Cell[], job: Job, { slots }: Generation): number {
    this.#number = this.#number === NUMBER_MAX ? 1 : this.#number + 1
    this.#sent.set(this.#number, job)
    if (job.hash === undefined) {
      batch.push(this.#number, CHECK, onlyFields(job.source), job.locale, job.dataJson)
      return charsOf(job.source)
    }
    const { slot, send, forget } = slots.place(job.hash, job.source)
    for (const old of forget) batch.push(FORGET, old, undefined, undefined, undefined)
    batch.push(this.#number, slot, send, job.locale, job.dataJson)
    return job.dataJson.length + (send ? charsOf(send) : 0)
  }

  #receive(replies: readonly Cell[]): void {
    this.#deaths = 0
    for (let at = 0; at < replies.length; at += REPLY_WIDTH)
      this.#settle(replies[at] as number, replies.slice(at + 1, at + REPLY_WIDTH))
    if (this.load === 0) this.#whenIdle?.()
  }

  #settle(number: number, reply: readonly Cell[]): void {
    const job = this.#sent.get(number)
    this.#sent.delete(number)
    job?.settle(reply)
  }

  #overrun(number: number): void {
    const { timeoutMs, log } = this.#settings
    log?.warn('A template took too long to render; its worker was replaced.', {
      sourceHash: this.#sent.get(number)?.hash,
    })
    const message = `The template took longer than ${timeoutMs} ms.`
    this.#settle(number, ['template/too-slow', message])
    this.#restart()
  }

  #died(generation: Generation): void {
    const number = Atomics.load(generation.heartbeat, 0)
    const culprit = this.#sent.get(number)
    this.#settings.log?.warn('The rendering worker died and was replaced.', {
      sourceHash: culprit?.hash,
      error: generation.error,
    })
    if (culprit) this.#settle(number, ['template/failed', 'The template needs too much memory.'])
    else this.#deaths++
    if (this.#deaths > DEATHS_MAX) {
      const options = { cause: generation.error }
      const died = new Unavailable('renderer/died', 'The rendering worker keeps dying.', options)
      this.#refuseAll(died)
    }
    this.#restart()
  }

  /** Rendering is pure, so what may have been rendered already can be rendered again. */
  #restart(): void {
    this.#end()
    this.#queue = [...this.#sent.values(), ...this.#queue]
    this.#sent.clear()
    if (this.load === 0) this.#whenIdle?.()
    else this.#flushSoon()
  }

  #refuseAll(error: Error): void {
    const jobs = [...this.#sent.values(), ...this.#queue]
    this.#sent.clear()
    this.#queue = []
    this.#deaths = 0
    for (const job of jobs) job.reject(error)
  }
}

const closed = () => new Unavailable('renderer/closed', 'The renderer was closed.')
