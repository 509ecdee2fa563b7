import type { Verification } from '#src/cli/audit/verify.ts'
import type { Verdict } from '../judging/verdict.ts'
import { type FaultCounts, type FaultKind, missedKinds, type PlannedFault } from './plan.ts'
import { lateness, type Recovery } from './timers.ts'

/** What a campaign leaves behind. */
export interface Findings {
  readonly minutes: number
  readonly plan: readonly (readonly PlannedFault[])[]
  readonly faults: FaultCounts
  /** Kinds that cannot happen on these servers. */
  readonly impossible: readonly FaultKind[]
  readonly verdict: Verdict
  readonly audit: Pick<Verification, 'clean' | 'accepted' | 'finished' | 'parked' | 'pending'> & {
    readonly differences: readonly unknown[]
  }
  readonly recoveries: readonly Recovery[]
  /** What a rebuilt read model says otherwise. */
  readonly unequal: readonly string[]
  /** Why it did not come to an end. */
  readonly stuck: readonly string[]
  /** Programs that ended and should not have. */
  readonly deaths: readonly string[]
}

/** What the numbers of the log itself must say: accepted = finished + parked, and no more than was asked for. */
const miscounts = ({ audit, verdict }: Findings): readonly string[] => {
  const { accepted, finished, parked, pending } = audit
  const numbers = `${accepted} accepted, ${finished} finished, ${parked} parked, ${pending} pending`
  const wrong: string[] = []
  if (accepted !== finished + parked || pending !== 0) wrong.push(numbers)
  if (accepted !== verdict.accepted) {
    wrong.push(`The producers hold ${verdict.accepted} answers of 202; by the log: ${numbers}`)
  }
  return wrong
}

/** Everything that is wrong, each in a line; none: the cluster kept its promises. */
export const complaints = (findings: Findings): readonly string[] => {
  const { plan, faults, impossible, verdict, recoveries, unequal, stuck, deaths } = findings
  const missed = missedKinds(plan, faults).filter((kind) => !impossible.includes(kind))
  const late = recoveries.flatMap((each) => lateness(each) ?? [])
  return [
    ...verdict.problems.map(({ is, what }) => `${is}: ${what}`),
    ...miscounts(findings).map((what) => `count: ${what}`),
    ...late.map((what) => `timers: ${what}`),
    ...unequal.map((what) => `rebuilt: ${what}`),
    ...stuck.map((what) => `stuck: ${what}`),
    ...deaths.map((name) => `death: ${name} ended by itself.`),
    ...missed.map((kind) => `fault: ${kind} was planned and never happened.`),
  ]
}

/** The line that others read. */
export const resultOf = (findings: Findings) => {
  const { minutes, faults, verdict, audit, unequal } = findings
  const { accepted, lost, ambiguous, unexplainedDuplicates } = verdict
  return {
    ...{ minutes, faults, accepted, lost, ambiguous, unexplainedDuplicates },
    rebuiltEqual: unequal.length === 0,
    verify: audit.clean ? 'clean' : `${audit.differences.length} differences`,
  }
}
