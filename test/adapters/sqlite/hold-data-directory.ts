import { writeSync } from 'node:fs'
import { lockDataDirectory } from '#adapters/sqlite/data-directory.ts'

/** A process for the tests to kill: takes the directory named by its argument and keeps it. */
await lockDataDirectory(process.argv[2] ?? '')
writeSync(1, 'locked\n')
setInterval(() => {}, 60_000)
