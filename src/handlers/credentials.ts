import type { Channel, Outcome, ProviderName } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import type { Log } from '#ports/log.ts'
import type { Random } from '#ports/random.ts'
import { type Circuit, type CircuitState, createCircuit, type Pass } from './circuit.ts'
import { createTokenBucket, type TokenBucket } from './token-bucket.ts'

/** Leave to make one attempt under a credential. */
export interface Permit {
  /** What the attempt came to. */
  report(outcome: Outcome): void
  /** No attempt was made; after a report it does nothing. */
  release(): void
}

/** The account a message is carried under: what is paced, paused and paged about. */
export interface Credential {
  readonly name: string
  readonly channel: Channel
  readonly circuit: Circuit
  /** Resolves when an attempt may start; `paused` when it may not for now. */
  permit(signal: AbortSignal): Promise<Permit | 'paused'>
  /** Of so many processes that send under it at once, this is one. */
  share(processes: number): void
}

/** What is known of a credential, here or from the processes that send. */
export interface CredentialStatus {
  readonly name: string
  readonly provider: ProviderName
  readonly state: CircuitState
}

export interface CredentialsView {
  /** Nothing is sent under it now: absent, or its circuit is open. */
  isPaused(name: string): boolean
  /** Some process can send under it, now or after its pause. */
  isKnown(name: string): boolean
  readonly statuses: readonly CredentialStatus[]
}

export interface Credentials extends CredentialsView {
  get(name: string): Credential | undefined
  readonly all: readonly Credential[]
}

/** What the processes that share credentials tell each other. */
export interface Together {
  /** A circuit changed here. */
  changed(credential: string, circuit: Circuit): void
  /** Asks the others for leave to probe. 0: it is ours; else when to ask again, in milliseconds. */
  askToProbe(credential: string): Promise<number>
}

const alone: Together = { changed: () => {}, askToProbe: async () => 0 }

/** An attempt waits this long for its turn before its work goes back. */
const patienceMs = 5_000

export interface CredentialOptions {
  readonly name: string
  readonly channel: Channel
  readonly ratePerSecond: number
}

interface Needs {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Absent: no other process sends under the same credentials. */
  readonly together?: Together
}

const reportTo = (pass: Pass, outcome: Outcome): void => {
  if (outcome.is === 'config') pass.report('config', outcome.code)
  // A provider that asks for patience works; it has told how much.
  else if (outcome.is === 'ambiguous') pass.report('failure', outcome.code)
  else if (outcome.is === 'retry' && outcome.afterMs === undefined) {
    pass.report('failure', outcome.code)
  } else pass.report('success')
}

const createCredential = (options: CredentialOptions, needs: Needs): Credential => {
  const { name, channel, ratePerSecond } = options
  const { clock, log, together = alone } = needs
  const bucket: TokenBucket = createTokenBucket({ clock, ratePerSecond })
  const onChange = (state: CircuitState, heard: boolean): void => {
    const fields = { credential: name, ...(state.is !== 'closed' && { code: state.why }) }
    if (state.is === 'open' && heard) log.info('Another process paused a credential.', fields)
    else if (state.is === 'open') log.error('Sending under a credential is paused.', fields)
    if (state.is === 'closed') log.info('A credential works again.', { credential: name })
    if (!heard) together.changed(name, circuit)
  }
  const circuit: Circuit = createCircuit({ ...needs, onChange })

  const enter = async (): Promise<Permit | 'paused'> => {
    const pass = circuit.enter()
    if (!pass) return 'paused'
    if (pass.isProbe) {
      const waitMs = await together.askToProbe(name)
      if (waitMs > 0) {
        pass.postpone(clock.monotonic() + waitMs)
        return 'paused'
      }
    }
    let told = false
    return {
      report(outcome) {
        told = true
        reportTo(pass, outcome)
      },
      release() {
        if (!told) pass.release()
      },
    }
  }

  return {
    name,
    channel,
    circuit,
    async permit(signal) {
      const start = clock.monotonic()
      for (;;) {
        if (circuit.paused) return 'paused'
        const token = bucket.take()
        if (token.taken) return enter()
        const waited = clock.monotonic() - start
        if (signal.aborted || waited + token.waitMs > patienceMs) return 'paused'
        await clock.sleep(token.waitMs, signal)
      }
    },
    share: (processes) => bucket.setRate(ratePerSecond / Math.max(1, processes)),
  }
}

export const createCredentials = (
  options: readonly CredentialOptions[],
  needs: Needs,
): Credentials => {
  const byName = new Map(options.map((each) => [each.name, createCredential(each, needs)]))
  return {
    get: (name) => byName.get(name),
    isPaused: (name) => byName.get(name)?.circuit.paused ?? true,
    isKnown: (name) => byName.has(name),
    all: [...byName.values()],
    get statuses() {
      return [...byName.values()].map(({ name, channel, circuit }) => ({
        name,
        provider: channel.provider,
        state: circuit.state,
      }))
    },
  }
}
