import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const answerWithinMs = 10_000
const firstPauseMs = 100
const pauseMsMax = 3_000
const giveUpAfterMs = 30_000
const heldAnswerMsMax = 2_000
const connectionsMax = 32

/** Posts callbacks to the service under test, which may be killed and started again meanwhile. */
export interface Courier extends AsyncDisposable {
  /** Runs `deliver` later and counts it as due until it is done. */
  later(delayMs: number, deliver: () => Promise<void> | void): void
  /** Runs `deliver` at once; resolves when it is done, but does not make an answer wait for ever. */
  now(deliver: () => Promise<void>): Promise<void>
  /** Tries again for about 30 s while nobody is there or the answer is 5xx; never rejects. */
  post(url: string, headers: Record<string, string>, body: string): Promise<void>
  /** Whether it would post there. */
  allows(url: string): boolean
  /** Resolves when nothing is due any more. */
  idle(): Promise<void>
}

const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/

/** Whoever can send could otherwise make the sandbox post to any host. */
const isAllowed = (url: string, hosts: readonly string[]): boolean => {
  const parsed = URL.parse(url)
  if (parsed === null || parsed.protocol !== 'http:') return false
  return loopback.test(parsed.hostname) || hosts.includes(parsed.hostname)
}

/** `hosts`: where callbacks may go beside loopback. */
export const createCourier = (
  log: (line: string) => void,
  hosts: readonly string[] = [],
): Courier => {
  const agent = new Agent({ keepAlive: true, maxSockets: connectionsMax })
  const closing = new AbortController()
  const { signal } = closing
  let waiting: (() => void)[] = []
  let due = 0

  const finished = () => {
    due -= 1
    if (due > 0) return
    for (const resolve of waiting) resolve()
    waiting = []
  }

  const run = async (deliver: () => Promise<void> | void) => {
    try {
      await deliver()
    } finally {
      finished()
    }
  }

  return {
    later: (delayMs, deliver) => {
      due += 1
      setTimeout(() => void run(deliver), delayMs).unref()
    },
    now: (deliver) => {
      due += 1
      return Promise.race([run(deliver), sleep(heldAnswerMsMax, undefined, { ref: false })])
    },
    allows: (url) => isAllowed(url, hosts),
    post: async (url, headers, body) => {
      if (isAllowed(url, hosts)) await tryUntilTaken({ url, headers, body, agent, signal }, log)
      else log('A callback to something else than http on loopback was not posted.')
    },
    idle: () =>
      due === 0 || signal.aborted
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push(resolve)),
    [Symbol.asyncDispose]: async () => {
      closing.abort()
      agent.destroy()
      for (const resolve of waiting) resolve()
      waiting = []
    },
  }
}

interface Posting {
  url: string
  headers: Record<string, string>
  body: string
  agent: Agent
  signal: AbortSignal
}

const tryUntilTaken = async (posting: Posting, log: (line: string) => void): Promise<void> => {
  const { signal } = posting
  const until = performance.now() + giveUpAfterMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    const answer = await postOnce(posting)
    if (signal.aborted) return
    if (typeof answer === 'number' && answer < 500) {
      if (answer >= 300) log(`A callback was answered with ${answer}; not tried again.`)
      return
    }
    if (performance.now() + pauseMs > until) {
      log(`A callback was given up after ${giveUpAfterMs / 1_000} s: ${answer}.`)
      return
    }
    // Rejects only when the sandbox closes: then the next post ends the loop.
    await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {})
  }
}

/** The status, or what went wrong. `fetch` would be shorter, but costs twice the time and follows redirects. */
const postOnce = ({ url, headers, body, agent, signal }: Posting): Promise<number | string> =>
  new Promise((resolve) => {
    const length = String(Buffer.byteLength(body))
    const outgoing = request(url, {
      method: 'POST',
      agent,
      headers: { ...headers, 'content-length': length },
      timeout: answerWithinMs,
      signal,
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')))
    outgoing.on('error', (error) => resolve(error.message))
    outgoing.on('response', (response: IncomingMessage) => {
      response.resume()
      response.on('error', () => {})
      response.on('end', () => resolve(response.statusCode ?? 0))
      response.on('close', () => resolve('cut off'))
    })
    outgoing.end(body)
  })
