import type { Lane } from '#domain/notification/events.ts'
import type { Policies } from '#domain/notification/policy.ts'
import { UnknownEvent } from '#domain/recorded-fact.ts'
import { createConsequences } from '#handlers/consequences.ts'
import { createCredentials } from '#handlers/credentials.ts'
import { createDeliverer } from '#handlers/deliver.ts'
import { createDestinations } from '#handlers/endpoints.ts'
import { refuseUnfitLog, watchStanding } from '#handlers/log-standing.ts'
import { createMessages, createReferences } from '#handlers/messages.ts'
import { createPrepare } from '#handlers/prepare.ts'
import { checkpointName } from '#handlers/projector.ts'
import { createMatcher, createQuarantine, matchEveryMs } from '#handlers/quarantine.ts'
import { createReceipts } from '#handlers/receipts.ts'
import { runRecoveryMarks } from '#handlers/recovery-marks.ts'
import { runRelay } from '#handlers/relay.ts'
import { createRouter } from '#handlers/route.ts'
import { createSend } from '#handlers/send.ts'
import { runTimekeeper } from '#handlers/timekeeper.ts'
import { createGuard } from '#handlers/work.ts'
import { StartRefused } from '#ports/errors.ts'
import type { Renderer } from '#ports/renderer.ts'
import type { WorkQueue } from '#ports/work-queue.ts'
import { allProjections } from '#projections/all.ts'
import { callbacksProjection } from '#projections/callbacks/callbacks.ts'
import { messagesProjection } from '#projections/messages/messages.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import type { Projection } from '#projections/projection.ts'
import type { Config } from '../config.ts'
import type { Core } from './core.ts'
import type { Providers } from './providers.ts'

const restartMs = 1_000
/** How often it is looked which generations of the read models there are. */
const lookEveryMs = 10_000
/** What is under way has this long to come to its end. */
const stopMs = 12_000

const asProjection = (projection: unknown): Projection => projection as Projection

/** Everything that moves by itself. `start` sets it going; a loop that fails is started again. */
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
}) => {
  const { core, config, policies, providers, renderer, queue, onFatal } = needs
  const { events, documents, clock, random, log, crashPoints, keyHash, aggregates, recorder } = core
  const { checkpoints, readModels, projector, notifications } = core
  const stopping = new AbortController()
  const { signal } = stopping
  const loops = new Set<Promise<void>>()

  const loop = (name: string, run: () => Promise<void>): void => {
    const supervised = (async () => {
      while (!signal.aborted) {
        try {
          return await run()
        } catch (error) {
          if (signal.aborted) return
          if (error instanceof UnknownEvent || error instanceof StartRefused) return onFatal(error)
          log.error('A loop failed; it is started again.', { loop: name, error: error as Error })
          await clock.sleep(restartMs, signal)
        }
      }
    })()
    loops.add(supervised)
  }

  const credentials = createCredentials(providers.credentials, { clock, random, log })
  const messages = createMessages({ aggregates, renderer, keyHash })
  const destinations = createDestinations(aggregates)
  const consequences = createConsequences({
    aggregates,
    recorder,
    log,
    signal: core.patience.signal,
  })
  const sending = { destinations, messages, credentials, policies, clock, random, crashPoints }
  const send = createSend({ ...sending, channels: providers.channels, consequences })
  const prepare = createPrepare({ destinations, messages, policies, clock })
  const deliver = createDeliverer({ ...sending, notifications, prepare, send, signal })
  const route = createRouter({ notifications, aggregates, clock })
  const quarantine = createQuarantine({ events, recorder, clock, signal: core.patience.signal })
  const receipts = createReceipts({
    notifications: core.commandNotifications,
    consequences,
    references: createReferences(keyHash),
    quarantine,
    policies,
    clock,
    random,
    crashPoints,
  })

  const projected = new Set<string>()
  /** Loops over every generation of a read model that is fed; a rebuild adds one. */
  const project = (projection: Projection, generation: number): void => {
    const name = checkpointName(projection, generation)
    if (projected.has(name)) return
    projected.add(name)
    loop(`projector ${projection.name}.${generation}`, () =>
      projector.follow(projection, generation, signal).then(() => void projected.delete(name)),
    )
  }
  const startProjectors = async (): Promise<void> => {
    for (const projection of allProjections) {
      const { active, building, retired = [] } = await readModels.generations(projection)
      for (const generation of [active, ...retired]) project(projection, generation)
      if (building !== undefined) project(projection, building)
    }
  }
  /** A store that was emptied has forgotten which generation is asked: the first one is again. */
  const keepProjecting = async (): Promise<void> => {
    while (!signal.aborted) {
      await startProjectors()
      await clock.sleep(lookEveryMs, signal)
    }
  }

  let caughtUpOnce = false
  const agendaProgress = () =>
    projector.progress.find((each) => each.projection === notificationsProjection.name)
  /** While the read model lags, its own newest event is now: its lag must not feed itself. */
  const agendaTime = (): number => {
    const progress = agendaProgress()
    if (progress?.caughtUp) caughtUpOnce = true
    return progress && !progress.caughtUp ? progress.foldedAt : clock.now()
  }

  const guard = createGuard({ events, recorder, log, signal: core.patience.signal, onFatal })
  const work = (lane: Lane, slots: number, handle: Parameters<typeof guard>[0]): void =>
    loop(`lane ${lane}`, () => queue.consume(lane, { slots, signal }, guard(handle)))

  const start = async (): Promise<void> => {
    await refuseUnfitLog(events)
    loop('standing', () => watchStanding({ events, clock, signal }))
    await startProjectors()
    loop('projectors', keepProjecting)
    loop('relay', () => runRelay({ events, queue, checkpoints, clock, crashPoints, signal }))
    work('route', config.routeSlots, route)
    work('push', config.pushSlots, deliver)
    work('sms', config.smsSlots, deliver)
    work('email', config.emailSlots, deliver)
    loop('timekeeper', () =>
      runTimekeeper({
        documents,
        collection: () => readModels.active(asProjection(notificationsProjection)),
        queue,
        clock,
        crashPoints,
        signal,
        agendaTime,
        caughtUpOnce: () => caughtUpOnce,
        isPaused: credentials.isPaused,
        isKnown: (name) => credentials.get(name) !== undefined,
        onError: (error) => log.warn('The agenda could not be read.', { error: error as Error }),
      }),
    )
    const marking = { events, documents, readModels, clock, random, log, signal }
    loop('recovery marks', () => runRecoveryMarks({ ...marking, everyMs: config.recoveryMarkMs }))
    const collections = async () => ({
      callbacks: await readModels.active(asProjection(callbacksProjection)),
      messages: await readModels.active(asProjection(messagesProjection)),
    })
    const matcher = { events, documents, collections, receipts, recorder, clock }
    const match = createMatcher({ ...matcher, signal: core.patience.signal })
    loop('receipts', async () => {
      while (!signal.aborted) {
        await clock.sleep(matchEveryMs, signal)
        if (!signal.aborted) await match()
      }
    })
  }

  return {
    start,
    credentials,
    receipts,
    project,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      const ended = new AbortController()
      await Promise.race([Promise.all(loops), clock.sleep(stopMs, ended.signal)])
      ended.abort()
    },
  }
}

export type Reactions = ReturnType<typeof createReactions>
