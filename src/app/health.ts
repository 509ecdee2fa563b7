import type { Credentials } from '#handlers/credentials.ts'
import type { Progress } from '#handlers/projector.ts'
import type { Clock } from '#ports/clock.ts'
import type { Unavailable } from '#ports/errors.ts'

export interface Problem {
  readonly code: string
  readonly message: string
  readonly provider?: string
}

const lagMaxMs = 60_000

const providerNames = ['apns', 'fcm', 'twilio', 'sendgrid'] as const

const providerProblems = (credentials: Credentials): Problem[] =>
  providerNames.flatMap((provider) => {
    const credential = credentials.get(provider)
    if (!credential) {
      const message = `No credentials for ${provider}: its deliveries are deferred.`
      return [{ code: 'provider/no-credentials', provider, message }]
    }
    const { state } = credential.circuit
    if (state.is === 'closed') return []
    const message = `Sending through ${provider} is paused: ${state.why}.`
    return [{ code: 'provider/paused', provider, message }]
  })

/**
 * Ready: new requests are durable and move. Providers that wait, and history that is still to come back, are
 * named; they do not make it unready.
 */
export const createHealth =
  (needs: {
    readonly credentials: Credentials
    readonly progress: () => readonly Progress[]
    readonly clock: Clock
    readonly lastFailure: () => Unavailable | undefined
  }) =>
  async (): Promise<{ readonly ready: boolean; readonly problems: readonly Problem[] }> => {
    const { credentials, progress, clock, lastFailure } = needs
    const problems: Problem[] = []
    const failure = lastFailure()
    if (failure) problems.push({ code: failure.code, message: failure.message })
    for (const each of progress()) {
      if (each.caughtUp || clock.now() - each.foldedAt < lagMaxMs) continue
      const message = `The read model ${each.projection} is more than a minute behind the log.`
      problems.push({ code: 'projection/behind', message })
    }
    const histories = progress().filter((each) => each.history !== undefined)
    const missing = histories.map(({ projection }) => ({
      code: 'projection/history',
      message: `The read model ${projection} was recovered; what is finished comes back after what is open.`,
    }))
    return {
      ready: problems.length === 0,
      problems: [...problems, ...missing, ...providerProblems(credentials)],
    }
  }
