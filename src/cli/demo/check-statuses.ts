import type { Notification } from '#domain/notification/state.ts'
import { statusOf } from '#domain/notification/status.ts'
import type { Clock } from '#ports/clock.ts'
import type { ApiClient } from './api-client.ts'

const sampleMax = 200
const roundsMax = 20
const pauseMs = 500

/** Evenly spread over all; the same for the same run. */
const sampleOf = <T>(all: readonly T[]): readonly T[] => {
  const step = Math.max(1, Math.floor(all.length / sampleMax))
  return all.filter((_, index) => index % step === 0).slice(0, sampleMax)
}

/**
 * Asks the service for the status of some, and compares with what its log says. The read model may
 * be a moment behind, so what differs is asked for again. Answers how many were asked, and which
 * differ.
 */
export const checkStatuses = async (needs: {
  readonly api: ApiClient
  readonly notifications: ReadonlyMap<string, Notification>
  readonly clock: Clock
  readonly signal: AbortSignal
}): Promise<{ readonly asked: number; readonly different: readonly string[] }> => {
  const { api, notifications, clock, signal } = needs
  const sample = sampleOf([...notifications.keys()])
  let left = sample
  for (let round = 0; round < roundsMax && left.length > 0; round += 1) {
    if (round > 0) await clock.sleep(pauseMs, signal)
    signal.throwIfAborted()
    const different: string[] = []
    for (const id of left) {
      const { status } = (await api.call('GET', `/v1/notifications/${id}`)) as { status: string }
      if (status !== statusOf(notifications.get(id)!)) different.push(id)
    }
    left = different
  }
  return { asked: sample.length, different: left }
}
