import type { Msg, MsgHdrs } from 'nats'
import { Unavailable } from '#ports/errors.ts'
import type { Answers } from './answers.ts'

/** What became of one message. `waiting`: refused, for one with this subject is there. */
export type Fate =
  | 'queued'
  | 'waiting'
  | 'full'
  | 'no-stream'
  | 'no-answer'
  | 'no-storage'
  | 'closed'

/** Publishes to a stream without waiting for the message before. */
export interface Sender {
  /** Never rejects. Messages of one turn of the event loop keep their order. */
  send(subject: string, payload: string, headers?: MsgHdrs): Promise<Fate>
}

/** Messages under way at once; newer servers refuse some when more than 10,000 wait for their disk. */
const windowMax = 2_000

const decoder = new TextDecoder()

interface PubAnswer {
  readonly error?: {
    readonly code: number
    readonly err_code: number
    readonly description: string
  }
}

/**
 * 10077 is every refusal of the store, told apart by its words alone. Only the one for the subject means
 * that the item is there; those of limits that somebody gave the stream by hand mean that it is full.
 */
const refusalOf = ({ code, err_code, description }: NonNullable<PubAnswer['error']>): Fate => {
  if (err_code === 10077 && /per subject/.test(description)) return 'waiting'
  if (err_code === 10077 && /maximum (?:messages|bytes)/.test(description)) return 'full'
  return code === 503 ? 'no-answer' : 'no-storage'
}

const fateOf = (answer: Msg | undefined): Fate => {
  if (answer === undefined) return 'no-answer'
  if (answer.data.length === 0) return answer.headers?.code === 503 ? 'no-stream' : 'no-answer'
  const { error } = JSON.parse(decoder.decode(answer.data)) as PubAnswer
  return error === undefined ? 'queued' : refusalOf(error)
}

/** The first thing that went wrong, for all of a call. */
export const failureOf = (fates: readonly Fate[], shown: string): Unavailable | undefined => {
  if (fates.includes('no-stream'))
    return new Unavailable(
      'queue/no-jetstream',
      `Nobody at ${shown} takes messages: JetStream or the stream is away. It is made again as soon as it can be.`,
    )
  if (fates.includes('no-storage'))
    return new Unavailable(
      'queue/no-storage',
      `NATS at ${shown} cannot store more. Give JetStream more storage, or its account a higher limit.`,
    )
  if (fates.includes('no-answer') || fates.includes('closed'))
    return new Unavailable('queue/no-answer', `NATS at ${shown} did not answer in time.`)
  return undefined
}

export const createSender = (answers: Answers): Sender => {
  let underWay = 0
  const queued: (() => void)[] = []

  const enter = (): Promise<void> | undefined => {
    if (underWay < windowMax) {
      underWay++
      return undefined
    }
    // The place is handed over by the one who leaves.
    return new Promise((resolve) => queued.push(resolve))
  }
  const leave = (): void => {
    const next = queued.shift()
    if (next === undefined) underWay--
    else next()
  }

  return {
    async send(subject, payload, headers) {
      const entering = enter()
      if (entering !== undefined) await entering
      return new Promise((resolve) => {
        const settle = (fate: Fate): void => {
          leave()
          resolve(fate)
        }
        try {
          answers.ask(subject, payload, (answer) => settle(fateOf(answer)), headers)
        } catch {
          // The connection was closed under it.
          settle('closed')
        }
      })
    },
  }
}
