import type { Clock } from '#ports/clock.ts'
import type { Submission } from './alerts.ts'
import { type ApiClient, isPassing } from './api-client.ts'
import { DemoFailure } from './failure.ts'

/** What the client has in its hands: never what the service says of itself. */
export interface Held {
  /** Event id → notification id, of everything that was answered with 202. */
  readonly accepted: ReadonlyMap<string, string>
  /** Answers that were given a second time. */
  readonly replayed: number
  /** Requests that broke off before every line was answered. */
  readonly interrupted: number
}

interface Line {
  readonly submission: Submission
  tries: number
}

interface LineAnswer {
  /** Of the request's lines, from 1. */
  readonly line: number
  readonly status: number
  readonly id?: string
  readonly replayed?: boolean
  readonly code?: string
}

const linesPerBatch = 200
const batchesAtOnce = 4
const triesMax = 50
const pauseMs = 250

class Sender {
  readonly accepted = new Map<string, string>()
  replayed = 0
  interrupted = 0
  readonly #waiting: Line[]
  readonly #needs: SendNeeds

  constructor(needs: SendNeeds) {
    this.#needs = needs
    // Taken from the end.
    this.#waiting = needs.submissions.map((submission) => ({ submission, tries: 0 })).toReversed()
  }

  /** Until every line has its 202. Who gives lines back takes them up himself. */
  async work(): Promise<void> {
    const { clock, signal } = this.#needs
    while (this.#waiting.length > 0) {
      await this.#needs.up()
      signal.throwIfAborted()
      const batch = this.#waiting.splice(-linesPerBatch).toReversed()
      // Another worker was faster.
      if (batch.length === 0) return
      const unanswered = await this.#send(batch)
      if (unanswered.length === 0) continue
      this.#waiting.push(...unanswered.toReversed())
      await clock.sleep(pauseMs, signal)
    }
  }

  /** Those that hold no 202 afterwards; they are sent again, known to the service or not. */
  async #send(batch: readonly Line[]): Promise<readonly Line[]> {
    const open = new Set(batch)
    for (const line of batch) {
      line.tries += 1
      if (line.tries > triesMax)
        throw new DemoFailure(
          `${line.submission.eventId} got no answer in ${triesMax} tries; see the service's log.`,
        )
    }
    try {
      const body = batch.map(({ submission }) => `${submission.line}\n`).join('')
      const { status, lines } = await this.#needs.api.stream(
        'POST',
        '/v1/notifications/batch',
        body,
      )
      for await (const text of lines) {
        if (status !== 200) this.#refused(status, text)
        else this.#take(batch, open, JSON.parse(text) as LineAnswer)
      }
    } catch (error) {
      this.#needs.signal.throwIfAborted()
      if (error instanceof DemoFailure) throw error
      this.interrupted += 1
    }
    return [...open]
  }

  #take(batch: readonly Line[], open: Set<Line>, answer: LineAnswer): void {
    const { status, id } = answer
    const line = batch[answer.line - 1]
    if (status !== 202 || id === undefined || line === undefined) {
      this.#refused(status, JSON.stringify(answer))
      return
    }
    const { eventId } = line.submission
    const first = this.accepted.get(eventId)
    if (first !== undefined && first !== id)
      throw new DemoFailure(`${eventId} was answered with two ids, ${first} and ${id}: a defect.`)
    this.accepted.set(eventId, id)
    if (answer.replayed) this.replayed += 1
    open.delete(line)
    this.#needs.onAccepted(this.accepted.size)
  }

  #refused(status: number, text: string): void {
    if (isPassing(status)) return
    throw new DemoFailure(`The service answered a line with ${status}: ${text.slice(0, 500)}`)
  }
}

interface SendNeeds {
  readonly api: ApiClient
  readonly submissions: readonly Submission[]
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Resolves when the service is there. */
  readonly up: () => Promise<void>
  readonly onAccepted: (held: number) => void
}

/** Hands everything over, line by line, and again whatever was not answered with 202. */
export const send = async (needs: SendNeeds): Promise<Held> => {
  const sender = new Sender(needs)
  await Promise.all(Array.from({ length: batchesAtOnce }, () => sender.work()))
  const { accepted, replayed, interrupted } = sender
  return { accepted, replayed, interrupted }
}
