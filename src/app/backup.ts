import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { StartRefused } from '#ports/errors.ts'

/** Copies a database while it is written. Refuses a target that exists. */
export const backupDatabase = async (from: string, to: string): Promise<void> => {
  if (existsSync(to)) {
    throw new StartRefused('backup/exists', `${to} exists: name an empty directory for the backup.`)
  }
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 })
  using source = new DatabaseSync(from, { readOnly: true })
  await backup(source, to)
}
