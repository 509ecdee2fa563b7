import type { Dispatcher } from 'undici'
import { classify, failures, type WireFailure } from './failure.ts'

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

export interface WireAnswer {
  readonly failure?: undefined
  readonly status: number
  readonly headers: AnswerHeaders
  /** At most 64 KB: a larger one is the failure `answer-too-large`. */
  readonly body: string
}

export type WireResult = WireAnswer | WireFailure

export interface WireRequest {
  readonly method: 'GET' | 'POST'
  /** Below the base address; begins with `/`. */
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string | Buffer
  readonly signal: AbortSignal
  /**
   * Called just before the first byte may leave, and again before that of a repeat. Throwing keeps the request
   * back: `withheld`.
   */
  readonly onFirstByte?: (() => void) | undefined
  /** Called when the last byte is written to the connection. */
  readonly onWritten?: (() => void) | undefined
}

export interface OpenCount {
  /** Not settled yet. */
  open: number
  /** Settled by their deadline while they waited inside undici, and waiting there still. */
  abandoned: number
  whenNone: (() => void) | undefined
}

const once = { once: true }
const settledLongAgo = new Error('settled')

/** One request as undici sees it. An object per send and no closures: 5,000 of them are made in a second. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: WireRequest
  readonly #resolve: (result: WireResult) => void
  readonly #count: OpenCount
  #controller: Dispatcher.DispatchController | undefined
  #begun = false
  #settled = false
  #status = 0
  #headers: AnswerHeaders = {}
  #chunks: Buffer[] | undefined

  constructor(request: WireRequest, count: OpenCount, resolve: (result: WireResult) => void) {
    this.#request = request
    this.#count = count
    this.#resolve = resolve
    count.open += 1
    request.signal.addEventListener('abort', this, once)
  }

  #settle(result: WireResult): void {
    if (this.#settled) return
    this.#settled = true
    this.#count.open -= 1
    if (this.#count.open === 0) this.#count.whenNone?.()
    this.#request.signal.removeEventListener('abort', this)
    this.#resolve(result)
  }

  /** The deadline. What is still queued inside undici is dropped when its turn comes. */
  handleEvent(): void {
    this.#settle(this.#begun ? failures.deadline : failures.lateToSend)
    if (this.#controller === undefined) this.#count.abandoned += 1
    else this.#controller.abort(settledLongAgo)
  }

  /**
   * Comes again when undici repeats a stream that never left or that the server disowned. Nothing of that one was
   * processed, so the repeat is a sending of its own: it may come seconds later, and can be kept back like the first.
   */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    const first = this.#controller === undefined
    this.#controller = controller
    if (this.#settled) {
      if (first) this.#count.abandoned -= 1
      controller.abort(settledLongAgo)
      return
    }
    try {
      this.#request.onFirstByte?.()
      this.#begun = true
    } catch {
      this.#settle(failures.withheld)
      controller.abort(settledLongAgo)
    }
  }

  onRequestSent(): void {
    this.#request.onWritten?.()
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: AnswerHeaders,
  ): void {
    if (status < 200) return
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#chunks === undefined) this.#chunks = [chunk]
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    const chunks = this.#chunks
    let body = ''
    if (chunks !== undefined)
      body = chunks.length === 1 ? chunks[0]!.toString('utf8') : Buffer.concat(chunks).toString()
    this.#settle({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#chunks = undefined
    if (this.#settled && this.#controller === undefined) this.#count.abandoned -= 1
    if (!this.#settled) this.#settle(classify(error, this.#begun, this.#status !== 0))
  }
}
