import { MongoServerSelectionError } from 'mongodb'
import { StartRefused } from '#ports/errors.ts'
import { shown } from './connect.ts'
import { asPortError } from './mongo-errors.ts'
import { whySetIsNotFound } from './set-membership.ts'

const why = async (
  url: string,
  error: unknown,
  timeoutMs: number,
): Promise<readonly [code: string, message: string]> => {
  const cause = asPortError(error)
  if (cause instanceof Error && 'code' in cause && cause.code === 'documents/credentials')
    return ['documents/credentials', cause.message]
  if (error instanceof MongoServerSelectionError && /wire version/.test(error.message))
    return [
      'documents/version',
      'It is older than MongoDB 4.4, the oldest that the driver speaks to.',
    ]
  const mistaken =
    error instanceof MongoServerSelectionError ? await whySetIsNotFound(url, timeoutMs) : undefined
  if (mistaken !== undefined) return mistaken
  return [
    'documents/unreachable',
    'It does not answer. Check the address, that it runs, and that nothing is in between.',
  ]
}

/** What is wrong when a first connection fails, in words. */
export const refusalOf = async (
  url: string,
  error: unknown,
  timeoutMs: number,
): Promise<StartRefused> => {
  const [code, message] = await why(url, error, timeoutMs)
  return new StartRefused(code, `MongoDB at ${shown(url)}: ${message}`, { cause: error })
}
