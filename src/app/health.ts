import type { Credentials } from '#handlers/credentials.ts'
import type { Progress } from '#handlers/projector.ts'
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
 * Ready: new requests are durable and answered. Who waits is named and does not make it unready: a provider,
 * and a queue or read models that do not answer, since what is accepted meanwhile moves when they do again.
 */
export const createHealth =
  (needs: {
    readonly credentials: Credentials
    readonly progress: () => readonly Progress[]
    readonly clock: Clock
    readonly lastFailure: LastFailure
    readonly silences: () => Promise<readonly Silence[]>
  }) =>
  async (): Promise<{ readonly ready: boolean; readonly problems: readonly Problem[] }> => {
    const { credentials, progress, clock, lastFailure, silences } = needs
    const problems: Problem[] = []
    const failure = lastFailure()
    if (failure) problems.push({ code: failure.code, message: failure.message })
    for (const each of progress()) {
      if (each.caughtUp || clock.now() - each.foldedAt < lagMaxMs) continue
      const message = `The read model ${each.projection} is more than a minute behind the log.`
      problems.push({ code: 'projection/behind', message })
    }
    const silent = await silences()
    for (const { code, message, halts } of silent) {
      if (halts && code !== failure?.code) problems.push({ code, message })
    }
    const waiting = silent.filter(({ halts }) => !halts)
    return {
      ready: problems.length === 0,
      problems: [
        ...problems,
        ...waiting.map(({ code, message }) => ({ code, message })),
        ...providerProblems(credentials),
      ],
    }
  }
