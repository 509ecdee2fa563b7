import { parentPort } from 'node:worker_threads'

export interface Asked {
  readonly number: number
  readonly call: string
  readonly args: readonly unknown[]
}

/** An error as it crosses threads. */
export interface Failure {
  readonly name: string
  readonly code?: string
  readonly message: string
  readonly cause?: string
}

export interface Told {
  readonly number: number
  readonly value?: unknown
  readonly failure?: Failure
}

export const failureOf = (error: unknown): Failure => {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, cause } = error
  return {
    name,
    message,
    ...('code' in error && { code: String(error.code) }),
    ...(cause !== undefined && { cause: String(cause) }),
  }
}

/** The side of the thread: answers calls in their order. */
export const answerCalls = (answer: (call: string, args: readonly unknown[]) => unknown): void => {
  const port = parentPort
  let told: Told[] = []
  port?.on('message', ({ number, call, args }: Asked) => {
    if (told.length === 0) {
      // Answers that are ready together cross together.
      setImmediate(() => {
        port.postMessage(told)
        told = []
      })
    }
    try {
      told.push({ number, value: answer(call, args) })
    } catch (error) {
      told.push({ number, failure: failureOf(error) })
    }
  })
}
