import { Worker } from 'node:worker_threads'
import { StartRefused, Unavailable } from '#ports/errors.ts'
import type { Asked, Failure, Told } from './answer-calls.ts'

/** Calls answered by a thread, in their order. */
export interface AnsweringThread {
  /** Throws what the thread threw, and `Unavailable` (`store/thread-ended`) when it died meanwhile. */
  ask<T>(call: string, ...args: readonly unknown[]): Promise<T>
  /** The first call. If it is refused the thread ends: it would keep the process from ending. */
  open<T>(): Promise<T>
  /** Changes when a thread that died was replaced: what the former one was told is forgotten. */
  readonly incarnation: number
  /** After the last answer. */
  end(): Promise<void>
}

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/** The error as it was thrown in the thread. */
export const errorOf = (failure: Failure): Error => {
  const { name, code = '', message } = failure
  const options = failure.cause === undefined ? {} : { cause: new Error(failure.cause) }
  if (name === 'Unavailable') return new Unavailable(code, message, options)
  if (name === 'StartRefused') return new StartRefused(code, message, options)
  if (name === 'RangeError') return new RangeError(message, options)
  if (name === 'TypeError') return new TypeError(message, options)
  return new Error(message, options)
}

/** A thread that dies, most likely for want of memory, is replaced at the next call. */
export const startAnsweringThread = (options: {
  readonly name: string
  /** A module that calls `answerCalls`. */
  readonly module: URL
  readonly workerData: unknown
  readonly oldGenerationMaxMb: number
}): AnsweringThread => {
  const { name, module, workerData, oldGenerationMaxMb } = options
  const waiting = new Map<number, Waiting>()
  let worker: Worker | undefined
  let incarnation = 0
  let asked = 0
  let failure: unknown

  const settle = ({ number, value, failure: told }: Told): void => {
    const one = waiting.get(number)
    waiting.delete(number)
    if (told === undefined) one?.resolve(value as never)
    else one?.reject(errorOf(told))
  }

  const start = (): Worker => {
    const started = new Worker(module, {
      name,
      argv: [],
      execArgv: [],
      env: {},
      workerData,
      resourceLimits: {
        maxOldGenerationSizeMb: oldGenerationMaxMb,
        maxYoungGenerationSizeMb: 16,
      },
    })
    started.on('message', (told: readonly Told[]) => told.forEach(settle))
    started.on('error', (error) => {
      failure = error
    })
    started.on('exit', () => {
      if (worker === started) worker = undefined
      const message = `The thread ${name} has ended.`
      const ended = new Unavailable('store/thread-ended', message, { cause: failure })
      for (const { reject } of waiting.values()) reject(ended)
      waiting.clear()
    })
    incarnation += 1
    return started
  }

  const ask = <T>(call: string, ...args: readonly unknown[]): Promise<T> =>
    new Promise((resolve, reject) => {
      worker ??= start()
      asked += 1
      waiting.set(asked, { resolve: resolve as Waiting['resolve'], reject })
      worker.postMessage({ number: asked, call, args } satisfies Asked)
    })

  return {
    ask,
    async open<T>() {
      try {
        return await ask<T>('open')
      } catch (error) {
        await worker?.terminate()
        throw error
      }
    },
    get incarnation() {
      worker ??= start()
      return incarnation
    },
    async end() {
      await worker?.terminate()
    },
  }
}
