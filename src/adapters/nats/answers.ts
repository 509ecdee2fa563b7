import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from 'nats'
import type { Clock } from '#ports/clock.ts'

/** What came back; `undefined`: nothing did, within the time. */
export type OnAnswer = (answer: Msg | undefined) => void

/**
 * Requests of which thousands are open at once. The driver's own make a timer and a promise each, which
 * costs more than the message; here one inbox serves all, and one look at the clock ends the old ones.
 */
export interface Answers extends Disposable {
  ask(subject: string, payload: string, onAnswer: OnAnswer, headers?: MsgHdrs): void
}

interface Open {
  readonly since: number
  readonly onAnswer: OnAnswer
}

export const createAnswers = (needs: {
  readonly connection: NatsConnection
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>
  /** How long an answer may take. */
  readonly timeoutMs: number
}): Answers => {
  const { connection, clock, timeoutMs } = needs
  const inbox = createInbox()
  const open = new Map<string, Open>()
  const end = new AbortController()
  let asked = 0

  const settle = (key: string, answer: Msg | undefined): void => {
    const one = open.get(key)
    if (one === undefined) return
    open.delete(key)
    one.onAnswer(answer)
  }

  const subscription = connection.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      if (error === null) settle(message.subject.slice(inbox.length + 1), message)
    },
  })

  const expire = async (): Promise<void> => {
    while (!end.signal.aborted) {
      await clock.sleep(timeoutMs / 4, end.signal)
      const before = clock.monotonic() - timeoutMs
      for (const [key, { since }] of open) {
        // In the order of asking: whoever comes after is younger.
        if (since > before && !end.signal.aborted) break
        settle(key, undefined)
      }
    }
  }
  void expire()

  return {
    ask(subject, payload, onAnswer, headers) {
      const key = (++asked).toString(36)
      open.set(key, { since: clock.monotonic(), onAnswer })
      const reply = `${inbox}.${key}`
      connection.publish(subject, payload, headers === undefined ? { reply } : { reply, headers })
    },
    [Symbol.dispose]() {
      end.abort()
      if (!connection.isClosed()) subscription.unsubscribe()
      for (const key of open.keys()) settle(key, undefined)
    },
  }
}
