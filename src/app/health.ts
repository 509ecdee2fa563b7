import type { ClockCheck } from '#handlers/clock-check.ts'
import type { CredentialsView } from '#handlers/credentials.ts'
import type { Progress } from '#handlers/progress.ts'
import type { Clock } from '#ports/clock.ts'
import type { Silence } from './probes.ts'
import type { LastFailure } from './watch-appends.ts'

export interface Problem {
  readonly code: string
  readonly message: string
  readonly provider?: string
}

const lagMaxMs = 60_000

const providerNames = ['apns', 'fcm', 'twilio', 'sendgrid'] as const

const providerProblems = (credentials: CredentialsView): Problem[] => {
  const statuses = new Map(credentials.statuses.map((each) => [each.provider, each.state]))
  return providerNames.flatMap((provider) => {
    const state = statuses.get(provider)
    if (!state) {
      const message = `No credentials for ${provider}: its deliveries are deferred.`
      return [{ code: 'provider/no-credentials', provider, message }]
    }
    if (state.is === 'closed') return []
    const message = `Sending through ${provider} is paused: ${state.why}.`
    return [{ code: 'provider/paused', provider, message }]
  })
}

/** Says which read models have not kept up for longer than a change of their keeper takes. */
const createLagging = (clock: Clock) => {
  /** Monotonic: when each had caught up last. */
  const caughtUpAtMs = new Map<string, number>()
  return (each: Progress): boolean => {
    const now = clock.monotonic()
    if (each.caughtUp) caughtUpAtMs.set(each.projection, now)
    if (each.caughtUp || clock.now() - each.foldedAt < lagMaxMs) return false
    return now - (caughtUpAtMs.get(each.projection) ?? -Infinity) >= lagMaxMs
  }
}

/**
 * Ready: new requests are durable and answered. Who waits is named and does not make it unready: a provider,
 * a queue or read models that do not answer, since what is accepted meanwhile moves when they do again, and
 * read models that are behind or still to come back. These are the same for all processes: all would be
 * taken out of rotation at once, and nobody would be left to accept.
 */
export const createHealth = (needs: {
  readonly credentials: CredentialsView
  readonly progress: () => readonly Progress[]
  readonly clock: Clock
  readonly clockCheck?: Pick<ClockCheck, 'isRight'>
  readonly lastFailure: LastFailure
  readonly silences: () => Promise<readonly Silence[]>
}) => {
  const { credentials, progress, clock, clockCheck, lastFailure, silences } = needs
  const isLagging = createLagging(clock)
  return async (): Promise<{ readonly ready: boolean; readonly problems: readonly Problem[] }> => {
    const problems: Problem[] = []
    const failure = lastFailure()
    if (failure) problems.push({ code: failure.code, message: failure.message })
    if (clockCheck?.isRight === false) {
      const message = 'The clock differs from the store by more than 5 s: no work is taken.'
      problems.push({ code: 'clock/differs', message })
    }
    const lagging = progress().filter(isLagging)
    const behind = lagging.map(({ projection }) => ({
      code: 'projection/behind',
      message: `The read model ${projection} is more than a minute behind the log.`,
    }))
    const silent = await silences()
    for (const { code, message, halts } of silent) {
      if (halts && code !== failure?.code) problems.push({ code, message })
    }
    const waiting = silent.filter(({ halts }) => !halts)
    const recovered = progress().filter((each) => each.history !== undefined)
    const histories = recovered.map(({ projection }) => ({
      code: 'projection/history',
      message: `The read model ${projection} was recovered; what is finished comes back after what is open.`,
    }))
    return {
      ready: problems.length === 0,
      problems: [
        ...problems,
        ...waiting.map(({ code, message }) => ({ code, message })),
        ...behind,
        ...histories,
        ...providerProblems(credentials),
      ],
    }
  }
}
