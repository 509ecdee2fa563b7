import { type Dispatcher, Pool } from 'undici'
import type { Clock } from '#ports/clock.ts'
import { DemoFailure } from './failure.ts'

export interface Answer {
  readonly status: number
  readonly text: string
}

export interface ApiClient extends AsyncDisposable {
  /** As often as needed while nobody answers; throws `DemoFailure` when the answer is not 2xx. */
  call(method: 'GET' | 'PUT' | 'POST', path: string, body?: unknown): Promise<unknown>
  /** Once; the body is read as it comes. Rejects when nobody answers. */
  stream(
    method: 'GET' | 'POST',
    path: string,
    body?: string,
  ): Promise<{ readonly status: number; readonly lines: AsyncIterable<string> }>
}

const triesMax = 60
const pauseMs = 250
const connectionsMax = 32
const shownMax = 500

/** Worth another try: too many at once, not available now, killed while answering. */
export const isPassing = (status: number): boolean => status === 429 || status >= 502

/** Whole lines only: what a broken connection leaves behind is not one. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop()!
    for (const line of parts) if (line !== '') yield line
  }
}

export const openApiClient = (needs: {
  readonly url: string
  readonly key: string
  readonly clock: Clock
  readonly signal: AbortSignal
}): ApiClient => {
  const { url, key, clock, signal } = needs
  const pool = new Pool(url, { connections: connectionsMax })

  const request = (
    method: Dispatcher.HttpMethod,
    path: string,
    type: string,
    body: string | undefined,
  ) =>
    pool.request({
      method,
      path,
      signal,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body !== undefined && { 'content-type': type }),
      },
      ...(body !== undefined && { body }),
    })

  const once = async (method: Dispatcher.HttpMethod, path: string, body: string | undefined) => {
    try {
      const answer = await request(method, path, 'application/json', body)
      return { status: answer.statusCode, text: await answer.body.text() }
    } catch (error) {
      signal.throwIfAborted()
      return { status: 503, text: String(error) }
    }
  }

  return {
    async call(method, path, body) {
      const sent = body === undefined ? undefined : JSON.stringify(body)
      let answer: Answer = { status: 0, text: '' }
      for (let tries = 0; tries < triesMax; tries += 1) {
        answer = await once(method, path, sent)
        if (!isPassing(answer.status)) break
        await clock.sleep(pauseMs, signal)
        signal.throwIfAborted()
      }
      const { status, text } = answer
      if (status < 200 || status > 299)
        throw new DemoFailure(`${method} ${path} answered ${status}: ${text.slice(0, shownMax)}`)
      return text === '' ? undefined : JSON.parse(text)
    },
    async stream(method, path, body) {
      const answer = await request(method, path, 'application/x-ndjson', body)
      return { status: answer.statusCode, lines: linesOf(answer.body) }
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}
