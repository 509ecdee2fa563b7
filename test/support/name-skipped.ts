import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node'

const isSkipped = (task: TestCase | TestSuite): boolean =>
  task.type === 'test' ? task.result().state === 'skipped' : task.state() === 'skipped'

/** Whole suites where nothing of them ran, else single tests. */
const skippedIn = (parent: TestModule | TestSuite): readonly string[] =>
  parent.children.array().flatMap((task) => {
    if (task.type === 'suite' && !isSkipped(task)) return skippedIn(task)
    if (!isSkipped(task)) return []
    const count = task.type === 'suite' ? [...task.children.allTests()].length : 1
    return [`${task.fullName}${count > 1 ? `, ${count} tests` : ''}`]
  })

/** Ends the report with what was not tried: a suite whose server is not here must not look like one that passed. */
export const nameSkipped: Reporter = {
  onTestRunEnd(modules) {
    const names = modules.flatMap(skippedIn)
    if (names.length === 0) return
    process.stdout.write(`\n Skipped, for what they need is not here:\n`)
    for (const name of names) process.stdout.write(`   ${name}\n`)
  },
}
