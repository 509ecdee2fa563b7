import type { NatsConnection } from 'nats'
import type { Clock } from '#ports/clock.ts'
import type { WorkItem } from '#ports/work-queue.ts'
import type { Answers } from './answers.ts'

/** An item as the server handed it out. */
export interface Delivered {
  readonly item: WorkItem
  readonly subject: string
  /** Where its acknowledgement goes. */
  readonly reply: string
  /** Monotonic. */
  readonly arrivedAt: number
}

/** The items of this process whose handlers run, over all lanes and consumers. */
export interface Flights {
  /** False: this item is in flight already, and came once more because the server did not hear of us. */
  begin(delivered: Delivered): boolean
  /** Its handler has returned or thrown. */
  finish(subject: string): void
  /** Resolves once an item whose handler has returned is gone from the stream; `undefined`: none has. */
  finished(subject: string): Promise<void> | undefined
  /** Tells the server of those that run long. */
  keepAlive(): void
}

interface Flight {
  reply: string
  toldAt: number
}

export const createFlights = (needs: {
  readonly connection: NatsConnection
  readonly answers: Answers
  readonly clock: Pick<Clock, 'monotonic'>
  readonly ackWaitMs: number
}): Flights => {
  const { connection, answers, clock, ackWaitMs } = needs
  const flights = new Map<string, Flight>()
  const finishing = new Map<string, { waiters: (() => void)[] }>()

  return {
    begin({ subject, reply }) {
      const there = flights.get(subject)
      // The newest address is the one that counts; to run it twice at once would be for nothing.
      if (there !== undefined) there.reply = reply
      else flights.set(subject, { reply, toldAt: clock.monotonic() })
      return there === undefined
    },
    finish(subject) {
      const flight = flights.get(subject)
      if (flight === undefined) return
      flights.delete(subject)
      const entry: { waiters: (() => void)[] } = { waiters: [] }
      finishing.set(subject, entry)
      const done = (): void => {
        if (finishing.get(subject) === entry) finishing.delete(subject)
        for (const waiter of entry.waiters) waiter()
      }
      try {
        // With an answer: whoever publishes the same item next must not be told that it waits.
        answers.ask(flight.reply, '+ACK', done)
      } catch {
        // The connection is closed. The item comes back to somebody, who finds nothing to do.
        done()
      }
    },
    finished(subject) {
      const entry = finishing.get(subject)
      return entry && new Promise((resolve) => entry.waiters.push(resolve))
    },
    keepAlive() {
      const now = clock.monotonic()
      if (connection.isClosed()) return
      for (const flight of flights.values()) {
        if (now - flight.toldAt < ackWaitMs / 2) continue
        flight.toldAt = now
        connection.publish(flight.reply, '+WPI')
      }
    },
  }
}
