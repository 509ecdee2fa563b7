import { type Document, type MongoClient, MongoServerError } from 'mongodb'
import type { Clock } from '#ports/clock.ts'

/** What the server says of itself. `hello` came with 4.4.2; the older name means the same. */
export const greet = async (client: MongoClient, signal: AbortSignal): Promise<Document> => {
  const admin = client.db('admin')
  try {
    return await admin.command({ hello: 1 }, { signal })
  } catch (error) {
    if (!(error instanceof MongoServerError && /no such command/i.test(error.message))) throw error
    return admin.command({ isMaster: 1 }, { signal })
  }
}

/** What the server's clock says when this resolves; off by at most half of the way there and back. */
export const timeOf = async (
  client: MongoClient,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ readonly now: number; readonly uncertaintyMs: number }> => {
  const asked = clock.monotonic()
  const { localTime } = await greet(client, signal)
  const halfMs = (clock.monotonic() - asked) / 2
  return { now: Number(localTime) + halfMs, uncertaintyMs: halfMs }
}
