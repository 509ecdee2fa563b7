import { Unavailable } from '#ports/errors.ts'

/** Primary result codes of SQLite: https://www.sqlite.org/rescode.html */
const conditions: Readonly<Record<number, readonly [code: string, message: string]>> = {
  5: ['store/busy', 'Another process holds the database.'],
  6: ['store/busy', 'Another statement holds the database.'],
  8: ['store/read-only', 'The database cannot be written.'],
  10: ['store/io', 'The disk did not read or write.'],
  11: ['store/corrupt', 'The database file is damaged: restore a backup.'],
  13: ['store/disk-full', 'The disk is full.'],
  14: ['store/io', 'The database file cannot be opened.'],
  26: ['store/corrupt', 'The file is not a database: restore a backup.'],
}

/** The primary result code, or undefined for what SQLite did not say. */
export const resultCodeOf = (error: unknown): number | undefined => {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}

/** What the disk did becomes `Unavailable`; the rest stays what it is, a bug. */
export const asPortError = (error: unknown): unknown => {
  const condition = conditions[resultCodeOf(error) ?? -1]
  if (condition === undefined) return error
  return new Unavailable(condition[0], condition[1], { cause: error })
}

export const closed = (): Unavailable =>
  new Unavailable('store/closed', 'The store has been closed.')
