import { type Dispatcher, Pool } from 'undici'

export interface Answer {
  readonly status: number
  readonly body: string
}

interface Ask {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  readonly body?: string
  readonly contentType?: string
}

/** Many requests over few connections that stay open; as cheap as undici can be, for it shares the cores. */
export interface HttpClient extends AsyncDisposable {
  ask(request: Ask): Promise<Answer>
}

class Handler implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: Error) => void
  #status = 0
  #chunks: Buffer[] = []

  constructor(resolve: (answer: Answer) => void, reject: (error: Error) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    const { length } = this.#chunks
    const bytes = length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    this.#resolve({ status: this.#status, body: bytes.toString('utf8') })
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#reject(error)
  }
}

const json = 'application/json'

export const openHttpClient = (options: {
  readonly url: string
  readonly key: string
  /** One request at a time on each; more wait for the first that is free. */
  readonly connections: number
}): HttpClient => {
  const { url, key, connections } = options
  const pool = new Pool(url, { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
  const headersFor = (type: string) => ({ authorization: `Bearer ${key}`, 'content-type': type })
  const known: Readonly<Record<string, Record<string, string>>> = {
    [json]: headersFor(json),
  }
  const bare = { authorization: `Bearer ${key}` }
  return {
    ask: ({ method, path, body, contentType = json }) =>
      new Promise((resolve, reject) => {
        const headers = body === undefined ? bare : (known[contentType] ?? headersFor(contentType))
        pool.dispatch(
          { method, path, headers, ...(body !== undefined && { body }) },
          new Handler(resolve, reject),
        )
      }),
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}
