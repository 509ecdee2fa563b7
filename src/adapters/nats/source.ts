import { createInbox, type Msg, type NatsConnection, nanos, type Subscription } from 'nats'
import type { Clock } from '#ports/clock.ts'
import type { Delivered } from './flights.ts'
import { classKey, itemOf, type WorkClass, workStream } from './work-subjects.ts'

/**
 * `turn`: for slots that are kept free for it, because something is known to wait; answered at once, or
 * over soon. `standing`: a few, in case that something comes.
 */
type AskKind = 'turn' | 'standing'

/** One class as one consumer sees it: what it has asked the server for, and what it knows to wait there. */
export interface Source {
  /** Items asked for that may still come. */
  asked(): number
  /** Of these, those for which slots are kept. */
  reserved(): number
  /** Items known to wait at the server beyond those asked for. */
  backlog(): number
  /** False for a moment after the server refused. */
  isUsable(): boolean
  ask(count: number, kind: AskKind): void
  /** Forgets asks that the server must have forgotten. */
  forgetLost(): void
  /** All asks are void: another server, or another consumer. What is on its way still arrives. */
  reset(): void
  /** Takes back what was asked for. */
  close(): Promise<void>
}

const expiresMs: Readonly<Record<AskKind, number>> = { turn: 200, standing: 10_000 }
/** An ask that is not over this long after its end has been lost. */
const lostAfterMs = 2_000
const refusedForMs = 500
const closeWaitMs = 1_000
const pendingHeader = 'Nats-Pending-Messages'

/** `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`, newer: two more in front, one behind. */
const pendingOf = (reply: string): number => {
  const tokens = reply.split('.')
  return Number(tokens[tokens.length >= 11 ? 10 : 8])
}

interface Ask {
  readonly kind: AskKind
  readonly count: number
  readonly until: number
}

export const createSource = (needs: {
  readonly connection: NatsConnection
  readonly one: WorkClass
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>
  readonly onItem: (delivered: Delivered) => void
  /** An ask is over: there may be something else to ask for. */
  readonly onOver: () => void
  /** The consumer is not there. */
  readonly onMissing: () => void
}): Source => {
  const { connection, one, clock, onItem, onOver, onMissing } = needs
  const requests = `$JS.API.CONSUMER.MSG.NEXT.${workStream}.${classKey(one)}`
  const asks = new Map<string, Ask>()
  let inbox = ''
  let subscription: Subscription | undefined
  let made = 0
  let asked = 0
  let standing = 0
  let pending = 0
  let refusedUntil = 0

  const less = (count: number): void => {
    asked = Math.max(0, asked - count)
    standing = Math.min(standing, asked)
    if (asked === 0) asks.clear()
  }

  const onStatus = (message: Msg): void => {
    const ask = asks.get(message.subject)
    if (ask === undefined) return
    asks.delete(message.subject)
    const code = message.headers?.code ?? 0
    const left = message.headers?.get(pendingHeader) ?? ''
    const count = left === '' ? ask.count : Number(left)
    if (ask.kind === 'standing') standing = Math.max(0, standing - count)
    less(count)
    pending = 0
    // 404 and 408 are how every ask ends. The rest are refusals: to ask again at once would spin.
    if (code !== 404 && code !== 408) {
      refusedUntil = clock.monotonic() + refusedForMs
      const text = message.headers?.description ?? ''
      if (code === 503 || /deleted/i.test(text)) onMissing()
    }
    onOver()
  }

  const onMessage = (message: Msg): void => {
    const { subject, reply } = message
    if (reply === undefined || reply === '') {
      if (message.headers !== undefined) onStatus(message)
      return
    }
    less(1)
    pending = pendingOf(reply)
    const item = itemOf(subject, message.headers?.get('traceparent'))
    // None of ours: it would come back for ever.
    if (item === undefined) connection.publish(reply, '+TERM')
    else onItem({ item, subject, reply, arrivedAt: clock.monotonic() })
  }

  const open = (): void => {
    inbox = createInbox()
    subscription = connection.subscribe(`${inbox}.*`, {
      callback: (error, message) => {
        if (error === null) onMessage(message)
      },
    })
  }

  /** Until the server has heard of it, items may still arrive: they are taken, for nobody else gets them soon. */
  const leave = async (old: Subscription | undefined): Promise<void> => {
    if (old === undefined || old.isClosed() || connection.isClosed()) return
    const waited = new AbortController()
    await Promise.race([old.drain().catch(() => {}), clock.sleep(closeWaitMs, waited.signal)])
    waited.abort()
    if (!old.isClosed()) old.unsubscribe()
  }

  const forget = (): void => {
    asks.clear()
    asked = 0
    standing = 0
    pending = 0
  }

  return {
    asked: () => asked,
    reserved: () => asked - standing,
    backlog: () => Math.max(0, pending - asked),
    isUsable: () => clock.monotonic() >= refusedUntil,
    ask(count, kind) {
      if (subscription === undefined) open()
      const reply = `${inbox}.${(++made).toString(36)}`
      const ms = expiresMs[kind]
      asks.set(reply, { kind, count, until: clock.monotonic() + ms })
      asked += count
      if (kind === 'standing') standing += count
      const request = JSON.stringify({ batch: count, expires: nanos(ms) })
      connection.publish(requests, request, { reply })
    },
    forgetLost() {
      const now = clock.monotonic()
      let last = 0
      for (const [reply, { until }] of asks) {
        last = Math.max(last, until)
        if (now > until + lostAfterMs) asks.delete(reply)
      }
      if (asked > 0 && now > last + lostAfterMs) forget()
    },
    reset() {
      forget()
      refusedUntil = 0
      const old = subscription
      subscription = undefined
      void leave(old)
    },
    async close() {
      forget()
      const old = subscription
      subscription = undefined
      await leave(old)
    },
  }
}
