import { hostname } from 'node:os'
import type { Lane } from '#domain/notification/events.ts'
import type { Policies } from '#domain/notification/policy.ts'
import { createAttemptSlots } from '#handlers/attempt-slots.ts'
import { createClockCheck } from '#handlers/clock-check.ts'
import { createConsequences } from '#handlers/consequences.ts'
import { createCredentials } from '#handlers/credentials.ts'
import { createDeliverer } from '#handlers/deliver.ts'
import { createDestinations } from '#handlers/endpoints.ts'
import { refuseUnfitLog, watchStanding } from '#handlers/log-standing.ts'
import { createMessages, createReferences } from '#handlers/messages.ts'
import { beatEveryMs, createPeers } from '#handlers/peers.ts'
import { createPrepare } from '#handlers/prepare.ts'
import { createQuarantine } from '#handlers/quarantine.ts'
import { createReceipts } from '#handlers/receipts.ts'
import { createRemovals } from '#handlers/removals.ts'
import { createRouter } from '#handlers/route.ts'
import { createSend } from '#handlers/send.ts'
import { createSharedCredentials } from '#handlers/shared-credentials.ts'
import { createGuard } from '#handlers/work.ts'
import type { Renderer } from '#ports/renderer.ts'
import type { WorkQueue } from '#ports/work-queue.ts'
import { type Config, type Role, roleNames } from '../config.ts'
import type { Core } from './core.ts'
import type { Providers } from './providers.ts'
import { createSingletons, type Follower, leasesOf, termsOf } from './roles.ts'
import { createSupervise } from './supervise.ts'

/** What is under way has this long to come to its end. */
const stopMs = 12_000
/** What the stores have to be told at the end. */
const goodbyeMs = 2_000
/** How far the read models are, as others keep them. */
const lookEveryMs = 500

/** Everything that moves by itself. `start` sets the roles of this process going. */
export const createReactions = (needs: {
  readonly core: Core
  readonly config: Pick<
    Config,
    'routeSlots' | 'pushSlots' | 'smsSlots' | 'emailSlots' | 'recoveryMarkMs'
  >
  readonly policies: Policies
  readonly providers: Pick<Providers, 'channels' | 'credentials'>
  readonly renderer: Renderer
  readonly queue: WorkQueue
  readonly onFatal: (error: Error) => void
  /** Default: all. */
  readonly roles?: readonly Role[]
  readonly followers?: readonly Follower[]
}) => {
  const { core, config, policies, providers, renderer, queue, onFatal, followers = [] } = needs
  const { events, documents, clock, random, log, crashPoints, keyHash, aggregates, recorder } = core
  const { notifications, board, exclusive = false } = core
  const roles: ReadonlySet<Role> = new Set(needs.roles ?? roleNames)
  const stopping = new AbortController()
  const { signal } = stopping
  const loops = new Set<Promise<void>>()
  const supervise = createSupervise({ clock, log, onFatal })
  const loop = (name: string, run: () => Promise<void>): void =>
    void loops.add(supervise(name, signal, run))

  // Under which this process sends; alone on its stores it also knows the pauses that there are.
  const usable = roles.has('channels') || exclusive ? providers.credentials : []
  const processName = `${hostname()}:${process.pid}`
  const self = {
    name: processName,
    roles: [...roles],
    credentials: usable.map(({ name, channel: { provider } }) => ({ name, provider })),
  }
  const peers = createPeers({ documents, clock, random, self })
  const shared = createSharedCredentials({ documents, peers, clock, random, log })
  const together = exclusive ? {} : { together: shared.together }
  const credentials = createCredentials(usable, { clock, random, log, ...together })
  const credentialsView = usable.length > 0 || exclusive ? credentials : shared.view
  const clockCheck = createClockCheck({ storeTime: core.storeTime, clock, log })
  const messages = createMessages({ aggregates, renderer, keyHash })
  const destinations = createDestinations(aggregates)
  const consequences = createConsequences({
    aggregates,
    recorder,
    log,
    signal: core.patience.signal,
  })
  const removals = createRemovals({ clock, log })
  const sending = { destinations, messages, credentials, policies, clock, random, crashPoints }
  const send = createSend({ ...sending, channels: providers.channels, removals, consequences })
  const prepare = createPrepare({ destinations, messages, policies, clock })
  const slotsOf = (limitMax: number) => createAttemptSlots({ clock, limitMax })
  const slots = {
    push: slotsOf(config.pushSlots),
    sms: slotsOf(config.smsSlots),
    email: slotsOf(config.emailSlots),
  }
  const deliver = createDeliverer({ ...sending, notifications, prepare, send, slots, signal })
  const route = createRouter({ notifications, aggregates, clock })
  const quarantine = createQuarantine({ events, recorder, clock, signal: core.patience.signal })
  const receipts = createReceipts({
    notifications: core.commandNotifications,
    consequences,
    references: createReferences(keyHash),
    quarantine,
    removals,
    policies,
    clock,
    random,
    crashPoints,
  })

  let relayed: string | undefined
  const onPosition = (position: string | undefined): void => {
    relayed = position
  }
  const singletons = createSingletons({
    ...{ core, queue, receipts, credentials: credentialsView, supervise, followers, onPosition },
    recoveryMarkMs: config.recoveryMarkMs,
  })
  const leases = leasesOf(core, processName)
  const terms = termsOf(clockCheck)
  const singleton = (role: keyof typeof singletons): void => {
    if (!roles.has(role)) return
    loop(`role ${role}`, () => leases.hold(terms[role], signal, singletons[role]))
  }

  const guard = createGuard({ events, recorder, log, signal: core.patience.signal, onFatal })
  /** Takes work for as long as the clock is right. */
  const consume = async (lane: Lane, slots: number, handle: ReturnType<typeof guard>) => {
    while (!signal.aborted) {
      await clockCheck.untilRight(signal)
      const until = AbortSignal.any([signal, clockCheck.wrong])
      await queue.consume(lane, { slots, signal: until }, handle)
      if (!until.aborted) return
    }
  }
  const work = (lane: Lane, slots: number, handle: Parameters<typeof guard>[0]): void =>
    loop(`lane ${lane}`, () => consume(lane, slots, guard(handle)))

  /** Tells the other processes of this one, and hears of them. */
  const meet = async (): Promise<void> => {
    try {
      await peers.beat()
      await shared.sync(credentials)
    } catch (error) {
      log.warn('The other processes could not be heard of.', { error: error as Error })
    }
  }
  const meetAgain = async (): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(beatEveryMs, signal)
      if (!signal.aborted) await meet()
    }
  }
  const watchProgress = async (): Promise<void> => {
    while (!signal.aborted) {
      await board.look()
      await clock.sleep(lookEveryMs, signal)
    }
  }

  const start = async (): Promise<void> => {
    await refuseUnfitLog(events)
    loop('standing', () => watchStanding({ events, clock, signal }))
    const missing = roleNames.filter((role) => !roles.has(role))
    if (exclusive && missing.length > 0) {
      log.warn('Nobody has these roles: no other process can use the data directory.', {
        roles: missing.join(', '),
      })
    }
    // Whom it shares credentials with is known before the first attempt, if it can be.
    if (!exclusive) await Promise.race([meet(), clock.sleep(goodbyeMs, signal)])
    if (!exclusive) loop('peers', meetAgain)
    if (!exclusive || !roles.has('projector')) loop('progress', watchProgress)
    await clockCheck.look()
    loop('clock', () => clockCheck.run(signal))
    singleton('projector')
    singleton('relay')
    if (roles.has('router')) work('route', config.routeSlots, route)
    if (roles.has('channels')) {
      work('push', config.pushSlots, deliver)
      work('sms', config.smsSlots, deliver)
      work('email', config.emailSlots, deliver)
    }
    singleton('timekeeper')
  }

  return {
    start,
    /** Of this process. */
    credentials,
    /** As far as is known, of all processes. */
    credentialsView,
    clockCheck,
    receipts,
    /** Where the relay of this process stands; `undefined`: it has relayed nothing yet. */
    get relayed() {
      return relayed
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      const ended = new AbortController()
      await Promise.race([Promise.all(loops), clock.sleep(stopMs, ended.signal)])
      ended.abort()
      if (exclusive) return
      const told = new AbortController()
      await Promise.race([peers.leave().catch(() => {}), clock.sleep(goodbyeMs, told.signal)])
      told.abort()
    },
  }
}

export type Reactions = ReturnType<typeof createReactions>
