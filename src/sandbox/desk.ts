import { hash } from 'node:crypto'
import type { Provider, ReceiptPlan, StatusAnswer } from './answers.ts'
import type { Chooser, Decision } from './chooser.ts'
import type { Exchange, Reply } from './exchange.ts'
import type { Ledger } from './ledger.ts'
import { misbehave, statusOf } from './misbehave.ts'
import { parseReference } from './reference.ts'

/** A request to tell one person something, understood as far as the sandbox must. */
export interface SendRequest {
  to: string
  /** The client's own reference, as it came; empty if it sent none. */
  ref: string
  /** What the person would read. */
  visible: string
  bodyBytes: number
}

export interface Protocol<R extends SendRequest> {
  provider: Provider
  successStatus: number
  /** The provider's own words for a success or an error. */
  reply(request: R, answer: StatusAnswer): Reply
  /** Keeps what was taken and plans its receipts. A promise delays the answer: receipts that come before it. */
  take?(request: R, plan: ReceiptPlan | undefined): Promise<void> | undefined
}

export interface Desk {
  /** Answers as the chooser says for the first, or refuses; several are people told by one request. */
  serve<R extends SendRequest>(
    protocol: Protocol<R>,
    exchange: Exchange,
    requests: readonly [R, ...R[]],
    refusal?: StatusAnswer,
  ): void
}

interface DeskOptions {
  chooser: Chooser
  ledger: Ledger
  latencyMs: number
}

const respond = <R extends SendRequest>(
  protocol: Protocol<R>,
  exchange: Exchange,
  request: R,
  { answer }: Decision,
): void => {
  const success = { status: protocol.successStatus }
  if (answer !== undefined && 'behave' in answer) {
    misbehave(answer, exchange, protocol.reply(request, success))
    return
  }
  const reply = protocol.reply(request, answer ?? success)
  if (answer?.body !== undefined)
    reply.body = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
  if (answer?.headers !== undefined) Object.assign(reply.headers, answer.headers)
  exchange.send(reply)
}

const wireStatus = ({ answer }: Decision, successStatus: number): number => {
  if (answer === undefined) return successStatus
  return 'behave' in answer ? statusOf(answer, successStatus) : answer.status
}

/** Where the four protocols meet: decide, write into the ledger, plan receipts, answer. In that order. */
export const createDesk = ({ chooser, ledger, latencyMs }: DeskOptions): Desk => ({
  serve: (protocol, exchange, requests, refusal) => {
    const [first] = requests
    const { provider, successStatus } = protocol
    const reference = parseReference(first.ref)
    const decision: Decision = refusal
      ? { answer: refusal, behaviour: 'refused', taken: false }
      : chooser.choose(provider, first.to, reference.correlation)
    const { behaviour, taken } = decision
    const plan = decision.answer?.receipts
    let before: Promise<void> | undefined
    for (const request of requests) {
      ledger.record({
        provider,
        to: request.to,
        reference: request === first ? reference : parseReference(request.ref),
        status: wireStatus(decision, successStatus),
        behaviour,
        taken,
        bodyBytes: request.bodyBytes,
        contentHash: hash('sha256', request.visible, 'buffer'),
      })
      if (taken || plan !== undefined) before = protocol.take?.(request, plan)
    }
    const answer = () => respond(protocol, exchange, first, decision)
    if (before !== undefined) void before.then(answer)
    else if (latencyMs > 0) setTimeout(answer, latencyMs).unref()
    else answer()
  },
})
