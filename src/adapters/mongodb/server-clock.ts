import type { MongoClient } from 'mongodb'
import type { Clock } from '#ports/clock.ts'

/** What the server's clock says when this resolves; off by at most half of the way there and back. */
export const timeOf = async (
  client: MongoClient,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ readonly now: number; readonly uncertaintyMs: number }> => {
  const asked = clock.monotonic()
  const { localTime } = await client.db('admin').command({ hello: 1 }, { signal })
  const halfMs = (clock.monotonic() - asked) / 2
  return { now: Number(localTime) + halfMs, uncertaintyMs: halfMs }
}
