import { crashPointNames } from '#ports/crash-points.ts'
import type { CampaignReport } from './campaign.ts'

type Counted = Pick<CampaignReport, 'problems' | 'planned' | 'byPoint'>

/** The line that others read. */
export const resultOf = (report: CampaignReport) => {
  const { kills, accepted, lost, ambiguous, duplicateSends, unexplainedDuplicates, byPoint } =
    report
  return { kills, accepted, lost, ambiguous, duplicateSends, unexplainedDuplicates, byPoint }
}

/** Named points that were killed at less often than was asked for. */
export const missedPoints = ({ planned, byPoint }: Counted): readonly string[] =>
  crashPointNames.filter((point) => (byPoint[point] ?? 0) < (planned[point] ?? 0))

export const isGood = (report: Counted): boolean =>
  report.problems.length === 0 && missedPoints(report).length === 0
