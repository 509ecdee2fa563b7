import type { Attempt, Channel, Message, Outcome, ProviderName } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'

/** A message whose first byte has left. */
export interface Sent {
  readonly provider: ProviderName
  readonly message: Message
  /** Of the notification: `d1`, `d2`, … */
  readonly deliveryId: string
  readonly attempt: number
  readonly at: number
  /** The same moment on the clock that never jumps. */
  readonly elapsed: number
  readonly signal: AbortSignal
}

/** `never`: the provider keeps silent until the deadline. */
export type Answer = Outcome | 'never'
export type Script = (sent: Sent) => Answer | Promise<Answer>

export interface ScriptedChannel extends Channel {
  readonly sent: Sent[]
  /** What the provider answers from now on. */
  answer(script: Script): void
  /** Answers these one after the other, then as before. */
  answerOnce(...answers: readonly (Answer | Script)[]): void
  /** What happens between a stream that the provider disowns and its repeat; absent: it disowns none. */
  beforeRepeat: (() => Promise<void>) | undefined
  /** What happens before the first byte: a connection that takes long, for instance. */
  beforeFirstByte: ((message: Message, attempt: Attempt) => Promise<void>) | undefined
}

const untilFired = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

const withheld: Outcome = { is: 'retry', code: 'withheld', reason: 'The sender kept it back.' }

const isKeptBack = (attempt: Attempt): boolean => {
  try {
    attempt.onFirstByte?.()
    return false
  } catch {
    return true
  }
}

const push = new Set<ProviderName>(['apns', 'fcm'])

/** A provider that says what a test wants, and remembers what it was sent. */
export const createScriptedChannel = (
  provider: ProviderName,
  clock: Pick<Clock, 'now' | 'monotonic'>,
): ScriptedChannel => {
  const sent: Sent[] = []
  const once: (Answer | Script)[] = []
  const is = push.has(provider) ? 'delivered' : 'accepted'
  const accepting: Script = () => ({ is, providerMessageId: `${provider}-${sent.length}` })
  let script = accepting

  const channel: ScriptedChannel = {
    provider,
    sent,
    answer(next) {
      script = next
    },
    answerOnce(...answers) {
      once.push(...answers)
    },
    beforeFirstByte: undefined,
    beforeRepeat: undefined,
    async send(message, attempt) {
      await channel.beforeFirstByte?.(message, attempt)
      if (attempt.signal.aborted) {
        return { is: 'retry', code: 'late-to-send', reason: 'The deadline came first.' }
      }
      if (isKeptBack(attempt)) return withheld
      if (channel.beforeRepeat) {
        await channel.beforeRepeat()
        if (isKeptBack(attempt)) return withheld
      }
      const { deliveryId, number, signal } = attempt
      const when = { at: clock.now(), elapsed: clock.monotonic() }
      const one = { provider, message, deliveryId, attempt: number, ...when, signal }
      sent.push(one)
      attempt.onWritten?.()
      const next = once.shift() ?? script
      const said = typeof next === 'function' ? await next(one) : next
      if (said !== 'never') return said
      await untilFired(signal)
      return { is: 'ambiguous', code: 'deadline', reason: 'No answer came in time.' }
    },
  }
  return channel
}
