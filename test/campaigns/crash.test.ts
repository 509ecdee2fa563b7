import { describe, expect, test } from 'vitest'
import { type CampaignOptions, runCampaign } from '../../campaigns/crash/campaign.ts'
import { isGood } from '../../campaigns/crash/result.ts'
import type { Problem } from '../../campaigns/judging/verdict.ts'

const patienceMs = 90_000

/** The same kills for the service as it is and for the broken ones. */
const kills: CampaignOptions = {
  kills: 4,
  seed: 11,
  points: ['answered-no-outcome', 'random', 'appended-not-answered', 'answered-no-outcome'],
}
/** What these look for is there at once; nobody has to wait for what is still open. */
const broken = { ...kills, drainMaxMs: 2_000, keep: false }

const found = (problems: readonly Problem[]): ReadonlySet<Problem['is']> =>
  new Set(problems.map(({ is }) => is))

describe('the crash campaign', () => {
  test('finds nothing wrong with the service as it is', { timeout: patienceMs }, async () => {
    const report = await runCampaign(kills)
    expect(report).toMatchObject({ problems: [], lost: 0, unexplainedDuplicates: 0, kills: 4 })
    expect(report.byPoint).toMatchObject(report.planned)
    expect(report.accepted).toBeGreaterThan(0)
    expect(isGood(report)).toBe(true)
  })

  test('finds an attempt that was not written down before', { timeout: patienceMs }, async () => {
    const { problems } = await runCampaign({ ...broken, sabotage: 'no-fence' })
    expect(found(problems)).toContain('unexplained')
  })

  test('finds two workers who both succeed at one fence', { timeout: patienceMs }, async () => {
    const { problems } = await runCampaign({ ...broken, sabotage: 'content-ids' })
    expect(found(problems)).toContain('unexplained')
  })

  test('does not mind two workers when ids are random', { timeout: patienceMs }, async () => {
    const { problems } = await runCampaign({ ...broken, sabotage: 'handed-out-twice' })
    expect(found(problems)).not.toContain('unexplained')
  })

  test('finds a checkpoint that promised too much', { timeout: patienceMs }, async () => {
    const { problems } = await runCampaign({ ...broken, sabotage: 'checkpoint-first' })
    expect(found(problems)).toContain('audit')
  })

  test('finds a 202 that was not durable', { timeout: patienceMs }, async () => {
    const { problems } = await runCampaign({ ...broken, sabotage: 'answer-before-commit' })
    expect(found(problems)).toContain('no-stream')
  })
})
