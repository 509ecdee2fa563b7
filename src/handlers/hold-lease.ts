import type { Clock } from '#ports/clock.ts'
import type { DocumentStore, StoredDocument } from '#ports/document-store.ts'
import type { Log } from '#ports/log.ts'
import type { Random } from '#ports/random.ts'
import {
  isOf,
  judge,
  leases,
  lookEveryMs,
  renewEveryMs,
  renewed,
  type Sighting,
  sureMs,
  taken,
} from './lease.ts'

/** A time during which this process has a role. */
export interface Tenure {
  /** Names it for ever: nobody else has had or will have this token. */
  readonly token: string
  /** Fires when the role is lost, may have been lost, or is given back: what it set going stops. */
  readonly signal: AbortSignal
  /** Asks the store whether the role is still ours; if not, the tenure ends. Throws `Unavailable`. */
  confirmed(): Promise<boolean>
}

export interface Leases {
  /**
   * Stands by for a role, and runs `run` whenever this process has it, until `signal` fires. Then waits
   * for `run` and gives the role back, so that another process has it at once. `run` ends when its
   * tenure does; if it ends earlier, the role is given back for good.
   */
  hold(role: RoleTerms, signal: AbortSignal, run: (tenure: Tenure) => Promise<void>): Promise<void>
}

export interface RoleTerms {
  readonly role: string
  /**
   * Goes on when the store cannot be asked whether the role is still ours: two at once may cost time,
   * and do no harm. Such a role ends when another one is known to have it.
   */
  readonly evenUnsure?: boolean
  /** Gives the role back, and does not take it, while this says no. */
  readonly fit?: () => boolean
}

/** An answer that takes longer is as good as none. */
const answerMs = 5_000

const unanswered: unique symbol = Symbol('unanswered')

/** Nobody else uses the stores: the role is ours for as long as we live. */
export const createSoleLeases = (random: Random): Leases => ({
  hold: (_terms, signal, run) => run({ token: random.uuid(), signal, confirmed: async () => true }),
})

/** Leases as documents: see `lease.ts` for the rules. */
export const createLeases = (needs: {
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Host and process, for people. */
  readonly holder: string
}): Leases => {
  const { documents, clock, random, log, holder } = needs

  /** The answer, or `unanswered` after a while or when the store fails. */
  const within = async <T>(ms: number, asked: Promise<T>): Promise<T | typeof unanswered> => {
    const enough = new AbortController()
    const failed = (error: unknown): typeof unanswered => {
      log.warn('The lease could not be read or written.', { error: error as Error })
      return unanswered
    }
    const late = clock.sleep(ms, enough.signal).then((): typeof unanswered => unanswered)
    const answer = await Promise.race([asked.catch(failed), late])
    enough.abort()
    return answer
  }

  const load = async (role: string): Promise<StoredDocument | undefined> =>
    (await documents.load(leases, [role])).get(role)

  const write = async (next: StoredDocument, before?: StoredDocument): Promise<boolean> => {
    const { conflicts } = await documents.write(leases, [
      before
        ? { do: 'replace', document: next, ifVersion: before.version }
        : { do: 'insert', document: next },
    ])
    return conflicts.length === 0
  }

  /** What the holder knows of its lease. */
  interface Held {
    readonly token: string
    document: StoredDocument
    /** Monotonic: nobody else has it before that. */
    sureUntilMs: number
  }

  const createStandby = (role: string) => {
    let seen: Sighting | undefined
    let own: string | undefined

    /** Looks once, and takes the role if nobody has it. */
    return async (): Promise<Held | undefined> => {
      const askedMs = clock.monotonic()
      const document = await load(role)
      const look = { askedMs, answeredMs: clock.monotonic() }
      const verdict = judge(document, look, { seen, own })
      if (verdict.is === 'held') {
        seen = verdict.seen
        return undefined
      }
      seen = undefined
      const token = verdict.is === 'ours' ? own! : random.uuid()
      own = token
      const next =
        verdict.is === 'ours' ? renewed(document!) : taken(role, document, { token, holder })
      const sentMs = clock.monotonic()
      if (!(await write(next, document))) return undefined
      return { token, document: next, sureUntilMs: sentMs + sureMs }
    }
  }

  /** Whether it is still ours. */
  const renew = async (held: Held): Promise<boolean> => {
    for (;;) {
      const sentMs = clock.monotonic()
      const next = renewed(held.document)
      if (await write(next, held.document)) {
        held.document = next
        held.sureUntilMs = sentMs + sureMs
        return true
      }
      // Perhaps our own renewal, whose answer was lost: then there is one more to be made.
      const found = await load(next.id)
      if (!found || !isOf(held.token, found)) return false
      held.document = found
    }
  }

  /** Resolves when the tenure is over. */
  const keep = async (
    held: Held,
    terms: RoleTerms,
    ending: AbortController,
    stop: AbortSignal,
  ): Promise<void> => {
    const over = AbortSignal.any([ending.signal, stop])
    const isSure = () => terms.evenUnsure || clock.monotonic() < held.sureUntilMs
    while (!over.aborted) {
      await clock.sleep(renewEveryMs, over)
      if (over.aborted || terms.fit?.() === false) return
      // A process that stood still does not even ask: what it asks for may have another holder.
      if (!isSure()) break
      const leftMs = terms.evenUnsure ? answerMs : held.sureUntilMs - clock.monotonic()
      const answer = await within(Math.min(answerMs, leftMs), renew(held))
      if (answer === false) {
        log.warn('Another process has taken a role over.', { role: terms.role })
        return
      }
      if (answer === unanswered && !isSure()) break
    }
    if (!over.aborted) log.warn('A role may have been lost and is stopped.', { role: terms.role })
  }

  const serve = async (
    held: Held,
    terms: RoleTerms,
    signal: AbortSignal,
    run: (tenure: Tenure) => Promise<void>,
  ): Promise<'ended' | 'over'> => {
    const { role } = terms
    const ending = new AbortController()
    const tenure: Tenure = {
      token: held.token,
      signal: AbortSignal.any([ending.signal, signal]),
      async confirmed() {
        if (isOf(held.token, await load(role))) return !tenure.signal.aborted
        ending.abort()
        return false
      },
    }
    log.info('This process has a role.', { role })
    let is: 'ended' | 'over' = 'over'
    const keeping = keep(held, terms, ending, signal).finally(() => ending.abort())
    try {
      await run(tenure)
      if (!tenure.signal.aborted) is = 'ended'
    } finally {
      ending.abort()
      await keeping
      log.info('This process no longer has a role.', { role })
      // Of a role that is another's by now this changes nothing.
      await within(answerMs, write(renewed(held.document, true), held.document))
    }
    return is
  }

  return {
    async hold(terms, signal, run) {
      const look = createStandby(terms.role)
      while (!signal.aborted) {
        const answer = terms.fit?.() === false ? unanswered : await within(answerMs, look())
        if (answer !== unanswered && answer) {
          if ((await serve(answer, terms, signal, run)) === 'ended') return
        }
        await clock.sleep(lookEveryMs, signal)
      }
    },
  }
}
