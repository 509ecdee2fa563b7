import { ambiguousResendsMax } from '#domain/notification/policy.ts'
import type { Notification } from '#domain/notification/state.ts'
import { deliveryStatus, isOpen, statusOf } from '#domain/notification/status.ts'
import type { Verification } from '#src/cli/audit/verify.ts'
import type { Book } from '../load/book.ts'
import type { Submission } from '../load/requests.ts'
import type { LogReading } from './log-reading.ts'
import type { Told } from './sandbox.ts'

export interface Problem {
  readonly is: /** A 202 without a stream. */
    | 'no-stream'
    /** It never came to an end. */
    | 'still-open'
    /** It came to an end and no provider took what should have been told. */
    | 'not-told'
    /** It came to another end than this recipient has. */
    | 'wrong-end'
    /** More sends than the recorded ambiguous attempts of a delivery explain, or two of one attempt. */
    | 'unexplained'
    /** A provider was asked before that stood in the log. */
    | 'not-fenced'
    /** Another answer under the same event id. */
    | 'wrong-answer'
    /** The read models do not say what the log says. */
    | 'audit'
    /** A log line that says that something is broken. */
    | 'log-line'
  readonly what: string
}

export interface Verdict {
  readonly accepted: number
  readonly lost: number
  readonly ambiguous: number
  readonly duplicateSends: number
  readonly unexplainedDuplicates: number
  readonly problems: readonly Problem[]
}

const countBy = (ledger: readonly Told[], keyOf: (told: Told) => string) => {
  const counts = new Map<string, number>()
  for (const told of ledger) counts.set(keyOf(told), (counts.get(keyOf(told)) ?? 0) + 1)
  return counts as ReadonlyMap<string, number>
}

const createJudge = (log: Evidence['log'], taken: ReadonlyMap<string, number>) => {
  /** So often was its fate unknown that a person has to look: the policy for what cannot be collapsed. */
  const waitsForPerson = (notification: Notification, deliveryId: string, id: string): boolean => {
    const delivery = notification.deliveries.find((each) => each.deliveryId === deliveryId)
    const unknown = log.ambiguous.get(`${id}.${deliveryId}`)?.size ?? 0
    return (
      delivery !== undefined &&
      deliveryStatus(notification, delivery) === 'parked' &&
      unknown > ambiguousResendsMax
    )
  }

  /** What is wrong with what became of an accepted request; `undefined`: nothing. */
  return ({ id, expects }: Submission): Problem['is'] | undefined => {
    const notification = log.notifications.get(id)
    if (!notification) return 'no-stream'
    const status = statusOf(notification)
    if (isOpen(status)) return 'still-open'
    const waits = ({ deliveryId }: { readonly deliveryId: string }): boolean =>
      waitsForPerson(notification, deliveryId, id)
    if ('ends' in expects) {
      const fine = expects.ends.includes(status) || notification.deliveries.every(waits)
      return fine ? undefined : 'wrong-end'
    }
    const deliveries = Array.from({ length: expects.told }, (_, index) => `d${index + 1}`)
    const untold = deliveries.filter((each) => !taken.has(`${id}.${each}`))
    if (!untold.every((each) => waitsForPerson(notification, each, id))) return 'not-told'
    return ['delivered', 'unconfirmed', 'parked'].includes(status) ? undefined : 'wrong-end'
  }
}

const isLoss = ({ is }: Problem): boolean =>
  is === 'no-stream' || is === 'still-open' || is === 'not-told'

/** What is wrong with the sends of each delivery and of each attempt. */
const judgeSends = (
  { book, ledger, log }: Evidence,
  taken: ReadonlyMap<string, number>,
): readonly Problem[] => {
  const problems: Problem[] = []
  const nobody = new Set(book.answered.flatMap(({ id, expects }) => ('ends' in expects ? id : [])))
  for (const [correlation, sends] of taken) {
    const ambiguous = log.ambiguous.get(correlation)?.size ?? 0
    // Who must not be told has no first send either.
    const explained = ambiguous + (nobody.has(correlation.split('.')[0]!) ? 0 : 1)
    if (sends <= explained) continue
    const what = `${correlation}: ${sends} sends, ${ambiguous} ambiguous attempts`
    problems.push({ is: 'unexplained', what })
  }
  for (const [attempt, requests] of countBy(ledger, ({ attemptRef }) => attemptRef)) {
    if (!log.fences.has(attempt)) problems.push({ is: 'not-fenced', what: attempt })
    if (requests > 1) problems.push({ is: 'unexplained', what: `${attempt}: ${requests} requests` })
  }
  return problems
}

const deliveryOf = (what: string): string => what.split(/[.:]/).slice(0, 2).join('.')

const countUnexplained = (problems: readonly Problem[]): number =>
  new Set(problems.flatMap(({ is, what }) => (is === 'unexplained' ? deliveryOf(what) : []))).size

/** What a campaign leaves behind. */
export interface Evidence {
  readonly book: Pick<Book, 'answered' | 'wrongAnswers'>
  readonly ledger: readonly Told[]
  readonly log: Pick<LogReading, 'notifications' | 'ambiguous' | 'fences'>
  readonly audit: Pick<Verification, 'differences'>
  readonly logLines: readonly string[]
}

/** Compares what the producers hold a 202 for with what the providers took and what the log says. */
export const judge = (evidence: Evidence): Verdict => {
  const { book, ledger, log, audit, logLines } = evidence
  const taken = countBy(
    ledger.filter((told) => told.taken),
    ({ correlation }) => correlation,
  )
  const judgeOne = createJudge(log, taken)
  const problems: readonly Problem[] = [
    ...book.answered.flatMap((each) => {
      const is = judgeOne(each)
      return is ? [{ is, what: `${each.eventId} (notification ${each.id})` }] : []
    }),
    ...judgeSends(evidence, taken),
    ...book.wrongAnswers.map((what) => ({ is: 'wrong-answer' as const, what })),
    ...audit.differences.map(({ projection, id, what, detail }) => {
      return { is: 'audit' as const, what: `${projection} ${id}: ${what}: ${detail}` }
    }),
    ...logLines.map((what) => ({ is: 'log-line' as const, what })),
  ]
  return {
    accepted: book.answered.length,
    lost: problems.filter(isLoss).length,
    ambiguous: [...log.ambiguous.values()].reduce((sum, { size }) => sum + size, 0),
    duplicateSends: [...taken.values()].reduce((sum, sends) => sum + sends - 1, 0),
    unexplainedDuplicates: countUnexplained(problems),
    problems,
  }
}
