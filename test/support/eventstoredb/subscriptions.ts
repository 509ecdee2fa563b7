import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js'
import { status } from '@grpc/grpc-js'
import type { LoggedEvent } from './event-log.ts'
import { type Fault, subscriptionFaults } from './faults.ts'
import { drained, type ReadCall } from './read-call.ts'
import type { Serving } from './serving.ts'
import { failure, messages } from './wire.ts'

const chunkEvents = 500
/** The server looks at so many events at least before it sends a checkpoint. */
const windowDefault = 32

interface Filter {
  readonly passes: (event: LoggedEvent) => boolean
  /** Events looked at between two checkpoint frames. */
  readonly every: number
}

const filterOf = (options: ReadReq.Options): Filter | undefined => {
  const filter = options.getFilter()
  if (filter === undefined) return undefined
  const expression = filter.getStreamIdentifier() ?? filter.getEventType()
  const prefixes = expression?.getPrefixList() ?? []
  const regex = expression?.getRegex() ? new RegExp(expression.getRegex()) : undefined
  const textOf = filter.hasStreamIdentifier()
    ? ({ stream }: LoggedEvent) => stream
    : ({ type }: LoggedEvent) => type
  const window = filter.hasCount() ? windowDefault : filter.getMax()
  return {
    passes: (event) => {
      const text = textOf(event)
      return regex?.test(text) ?? prefixes.some((prefix) => text.startsWith(prefix))
    },
    every: window * filter.getCheckpointintervalmultiplier(),
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Resolves at the next commit, or when the call is over. */
const nextCommit = (serving: Serving, call: ReadCall): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      stopListening()
      call.off('cancelled', done)
      call.off('close', done)
      resolve()
    }
    const stopListening = serving.log.onCommit(done)
    call.on('cancelled', done)
    call.on('close', done)
  })

/** What one subscription sends, with what was armed for it. */
const createSender = (serving: Serving, call: ReadCall, fault: Fault | undefined) => {
  const recent: Uint8Array[] = []
  let events = 0
  let ended = false

  const send = async (message: Uint8Array): Promise<void> => {
    if (fault?.kind === 'slow-stream') await pause(fault.ms ?? 1)
    if (call.cancelled || ended) return
    serving.counts.sent++
    if (!call.write(message)) await drained(call)
  }

  const strike = (): void => {
    if (fault === undefined || events < (fault.after ?? 1)) return
    if (fault.kind === 'end-stream') call.end()
    else if (fault.kind === 'abort-stream')
      call.emit(
        'error',
        failure(
          status.ABORTED,
          'Operation timed out: Consumer too slow to handle event while live. Client resubscription required.',
        ),
      )
    else if (fault.kind === 'drop-stream') serving.dropConnections()
    else return
    ended = true
  }

  return {
    send,
    isOver: () => ended || call.cancelled,
    async event({ wire, position }: LoggedEvent): Promise<void> {
      await send(wire)
      events++
      if (fault?.kind === 'checkpoints') await send(messages.checkpoint(position))
      if (fault?.kind === 'duplicates') {
        await send(wire)
        recent.push(wire)
        if (recent.length === 10) for (const again of recent.splice(0)) await send(again)
      }
      strike()
    },
  }
}

const startOf = (serving: Serving, options: ReadReq.Options): number => {
  const asked = options.getAll()
  if (asked?.hasEnd())
    return (serving.log.all(Number.MAX_SAFE_INTEGER, 'backwards', 1)[0]?.position ?? 0) + 1
  const position = asked?.getPosition()
  // Exclusive: what stands at the position has been seen.
  return position === undefined ? 0 : Number(position.getCommitPosition()) + 1
}

/** Subscriptions to `$all`: catches up, says so, and goes on with what is committed. */
export const subscribe = async (
  serving: Serving,
  call: ReadCall,
  options: ReadReq.Options,
): Promise<void> => {
  const filter = filterOf(options)
  const fault = serving.faults.take(subscriptionFaults)
  const sender = createSender(serving, call, fault)
  let from = startOf(serving, options)
  let looked = 0
  let isLive = false
  serving.counts.subscriptions++
  serving.counts.lastStart = from
  const over = (): void => {
    serving.counts.subscriptions--
  }
  let counted = true
  for (const event of ['cancelled', 'close', 'finish'] as const)
    call.on(event, () => {
      if (counted) over()
      counted = false
    })
  await sender.send(messages.confirmation())
  if (fault?.kind === 'mute') return
  while (!sender.isOver()) {
    const page = serving.log.all(from, 'forwards', chunkEvents)
    for (const event of page) {
      if (sender.isOver()) return
      if (filter === undefined || filter.passes(event)) await sender.event(event)
      from = event.position + 1
      looked++
      if (filter !== undefined && looked % filter.every === 0)
        await sender.send(messages.checkpoint(event.position))
    }
    if (page.length === chunkEvents) continue
    if (!isLive && fault?.kind !== 'no-caught-up') await sender.send(messages.caughtUp())
    isLive = true
    if (serving.log.all(from, 'forwards', 1).length === 0 && !sender.isOver())
      await nextCommit(serving, call)
  }
}
