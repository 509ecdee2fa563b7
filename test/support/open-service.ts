import { createInProcessWorkQueue } from '#adapters/in-process/in-process-work-queue.ts'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { createHmacKeyHash } from '#adapters/system/hmac-key-hash.ts'
import { fold } from '#domain/notification/evolve.ts'
import { defaultPolicies, type Policies } from '#domain/notification/policy.ts'
import type { Notification } from '#domain/notification/state.ts'
import { isOpen, statusOf } from '#domain/notification/status.ts'
import { createAccept, type NotificationRequest } from '#handlers/accept.ts'
import { createOperations } from '#handlers/operate.ts'
import { createRecipients } from '#handlers/recipients.ts'
import { createTemplates } from '#handlers/templates.ts'
import type { ProviderName, Receipt } from '#ports/channel.ts'
import type { CrashPointName, CrashPoints } from '#ports/crash-points.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'
import type { Log, LogFields } from '#ports/log.ts'
import { Secret } from '#ports/secret.ts'
import type { StoreTime } from '#ports/store-time.ts'
import type { WorkQueue } from '#ports/work-queue.ts'
import { createCore } from '#src/app/core.ts'
import { createReactions } from '#src/app/reactions.ts'
import type { Telemetry } from '#src/app/telemetry/telemetry.ts'
import type { Role } from '#src/config.ts'
import { createFakeClock, letEnd, settle } from './fake-clock.ts'
import {
  type Faults,
  faultyDocuments,
  faultyEvents,
  faultyQueue,
  type Life,
  noFaults,
  severed,
  severedEvents,
  sharedQueue,
} from './faulty-ports.ts'
import { createPlainRenderer } from './plain-renderer.ts'
import { createScriptedChannel, type Sent } from './scripted-channel.ts'
import { createSeededRandom } from './seeded-random.ts'
import { inCluster } from './test-mode.ts'
import { together } from './together.ts'

export const app = 'shop'
export const actor = 'key:test'
export const categories = {
  security: 'security',
  transactional: 'transactional',
  orders: 'transactional',
  marketing: 'ad',
} as const

const providerNames: readonly ProviderName[] = ['apns', 'fcm', 'twilio', 'sendgrid']

/** What outlives a process: the stores, the providers, time; in a cluster, the queue too. */
export const createWorld = ({
  cluster = inCluster,
  capacity,
}: {
  readonly cluster?: boolean
  readonly capacity?: number | undefined
} = {}) => {
  const clock = createFakeClock()
  return {
    /** The processes that run, for whoever waits until one of them has taken over. */
    alive: new Set<{ readonly lines: readonly LogLine[] }>(),
    queue: cluster
      ? createInProcessWorkQueue({ clock, ...(capacity !== undefined && { capacity }) })
      : undefined,
    clock,
    random: createSeededRandom(),
    events: createMemoryEventStore(),
    documents: createMemoryDocumentStore(clock),
    apns: createScriptedChannel('apns', clock),
    fcm: createScriptedChannel('fcm', clock),
    twilio: createScriptedChannel('twilio', clock),
    sendgrid: createScriptedChannel('sendgrid', clock),
  }
}
export type World = ReturnType<typeof createWorld>

export interface ServiceOptions {
  readonly world?: World
  /** Whom there are credentials for; default: every provider. */
  readonly providers?: readonly ProviderName[]
  readonly ratePerSecond?: number
  readonly slots?: number
  /** Items that may wait per lane and priority. */
  readonly capacity?: number
  readonly policies?: Partial<Policies>
  /** What is put around the ports so that they can be seen. */
  readonly telemetry?: Pick<Telemetry, 'accept' | 'events' | 'queue' | 'channel'>
  /** Nothing moves by itself until `start` is called. */
  readonly asleep?: boolean
  /** Default: all. */
  readonly roles?: readonly Role[]
  /** How far this process's wall clock is ahead of the others', in milliseconds. */
  readonly clockAheadMs?: () => number
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
}

const createListLog = (lines: LogLine[]): Log => {
  const at =
    (level: LogLine['level']) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** The whole log, as it is. */
export const readLog = async (events: EventStore): Promise<readonly RecordedEvent[]> => {
  const all: RecordedEvent[] = []
  for (let after: string | undefined; ; ) {
    const page = await events.readAll({ limit: 10_000, ...(after !== undefined && { after }) })
    all.push(...page.events)
    if (page.atHead) return all
    after = page.checkpoint
  }
}

const streamsOf = (recorded: readonly RecordedEvent[]) =>
  Map.groupBy(recorded, (event) => event.stream)

/** What a test may ask of the log, past every fault. */
const createQuestions = ({ events }: World) => {
  const eventsOf = (id: string) => events.read(`notification-${id}`)
  const notification = async (id: string): Promise<Notification> => fold(await eventsOf(id))!
  return {
    eventsOf,
    notification,
    typesOf: async (id: string) =>
      (await eventsOf(id)).map((event) => event.type.slice('Notification'.length)),
    statusOf: async (id: string) => statusOf(await notification(id)),
    /** Ids and statuses of all there are. */
    statuses: async () => {
      const found = new Map<string, string>()
      for (const [stream, facts] of streamsOf(await readLog(events))) {
        if (!stream.startsWith('notification-')) continue
        found.set(stream.slice('notification-'.length), statusOf(fold(facts)!))
      }
      return found
    },
    streamsOf: async (kind: string) =>
      [...streamsOf(await readLog(events))].filter(([stream]) => stream.startsWith(`${kind}-`)),
  }
}

/** Moves time, always up to a limit. */
const createWaits = (
  { clock }: World,
  { statuses }: Pick<ReturnType<typeof createQuestions>, 'statuses'>,
) => {
  const until = async (
    happened: () => boolean | Promise<boolean>,
    limitMs = 60_000,
    stepMs = 100,
  ): Promise<void> => {
    await settle()
    for (let waited = 0; waited < limitMs; waited += stepMs) {
      if (await happened()) return
      await clock.advance(stepMs)
    }
    if (!(await happened())) throw new Error(`It did not happen within ${limitMs} ms.`)
  }
  return {
    until,
    advance: clock.advance,
    /** For hours: the wall clock jumps, then the agenda has time to look at it. */
    async leap(ms: number) {
      clock.jump(ms)
      await clock.advance(1_200)
    },
    /** Until nothing is open any more; what waits for a receipt counts as done if so asked. */
    quiet: (limitMs = 120_000, { accepted = false } = {}) =>
      until(
        async () =>
          [...(await statuses()).values()].every(
            (status) => !isOpen(status as 'routed') || (accepted && status === 'accepted'),
          ),
        limitMs,
      ),
  }
}

class Crashed extends Error {
  override readonly name = 'Crashed'
}

/** Says how the clock of the store stands. */
const storeTimeOf = ({ clock }: World): StoreTime => ({
  serverTime: async () => ({ now: clock.now(), uncertaintyMs: 0 }),
})

/** What the processes of one service have in common: a fault or a crash point is not aimed at one of them. */
const createAims = () => {
  let armed: { readonly point: CrashPointName; left: number } | undefined
  return {
    faults: noFaults(),
    /** Whoever comes to this point for the n-th time dies. */
    arm(point: CrashPointName, nth = 1) {
      armed = { point, left: nth }
    },
    hits(point: CrashPointName): boolean {
      if (armed?.point !== point) return false
      armed.left -= 1
      if (armed.left > 0) return false
      armed = undefined
      return true
    },
  }
}
type Aims = ReturnType<typeof createAims>

const createCrash = (aims: Aims) => {
  const dead = new AbortController()
  let still: PromiseWithResolvers<void> | undefined
  const reach = (point: CrashPointName): void => {
    if (!aims.hits(point)) return
    dead.abort()
    throw new Crashed(point)
  }
  return {
    dead: dead.signal,
    life: { dead: dead.signal, running: () => still?.promise } satisfies Life,
    /** As SIGSTOP does it; what it hears of meanwhile it hears when it goes on. */
    pause() {
      still ??= Promise.withResolvers()
    },
    async goOn() {
      still?.resolve()
      still = undefined
      await settle()
    },
    /** From now on nothing this process does reaches anybody, and nobody answers it. */
    crash: () => dead.abort(),
    /** Dies when it comes to this point for the n-th time. */
    armCrash: aims.arm,
    crashPoints: { reach, reachWhenOut: reach } satisfies CrashPoints,
  }
}

const slotsOf = (slots: number) => ({
  routeSlots: slots,
  pushSlots: slots,
  smsSlots: slots,
  emailSlots: slots,
  recoveryMarkMs: 3_600_000,
})

const startProcess = (world: World, options: ServiceOptions, aims: Aims) => {
  const faults: Faults = aims.faults
  const lines: LogLine[] = []
  const crashing = createCrash(aims)
  const { life } = crashing
  const { telemetry } = options
  const { capacity, ratePerSecond = 1_000_000, slots = 64, policies, clockAheadMs } = options
  const own = severed(world.clock, life)
  const clock = clockAheadMs ? { ...own, now: () => own.now() + clockAheadMs() } : own
  const bare = severedEvents(faultyEvents(world.events, faults, world.clock), life)
  const events = telemetry?.events(bare) ?? bare
  const documents: DocumentStore = severed(faultyDocuments(world.documents, faults), life)
  const inner = createInProcessWorkQueue({ clock, ...(capacity !== undefined && { capacity }) })
  const faulty: WorkQueue = faultyQueue(
    world.queue ? sharedQueue(world.queue, life) : inner,
    faults,
  )
  const queue = telemetry?.queue(faulty, events) ?? faulty
  const closing = new AbortController()
  const core = createCore({
    ...{ events, documents, clock, random: world.random, log: createListLog(lines) },
    crashPoints: crashing.crashPoints,
    keyHash: createHmacKeyHash(new Secret('the secret of every test, never used elsewhere')),
    closing: closing.signal,
    exclusive: world.queue === undefined,
    ...(world.queue && { storeTime: severed(storeTimeOf(world), life) }),
  })
  const names = options.providers ?? providerNames
  const channelOf = (name: ProviderName) => {
    const channel = severed(world[name], life)
    return telemetry?.channel(channel) ?? channel
  }
  const channels = new Map(names.map((name) => [name as string, channelOf(name)]))
  const credentials = [...channels].map(([name, channel]) => ({ name, channel, ratePerSecond }))
  const renderer = createPlainRenderer()
  const state: { fatal: Error | undefined } = { fatal: undefined }
  const reactions = createReactions({
    ...{ core, renderer, queue, config: slotsOf(slots) },
    ...(options.roles && { roles: options.roles }),
    policies: { ...defaultPolicies, ...policies },
    providers: { channels, credentials },
    onFatal: (error) => {
      state.fatal ??= error
    },
  })
  const around = { queue, inner, faults, lines, telemetry }
  return { ...crashing, ...around, core, reactions, renderer, state, closing }
}

type Process = ReturnType<typeof startProcess>

const createCommands = ({ core, reactions, renderer, telemetry }: Process) => {
  const { aggregates, recorder, commandPatience: patience, crashPoints } = core
  const bare = createAccept({ ...core, categories, crashPoints })
  const accept = telemetry?.accept(bare) ?? bare
  const recipients = createRecipients({ aggregates, recorder, patience })
  const operations = createOperations(core.commandNotifications)
  return {
    accept: (request: NotificationRequest, of = app, traceparent?: string) =>
      accept(of, actor, request, traceparent),
    /** Accepts and answers the id. */
    send: async (request: NotificationRequest, of = app) =>
      (await accept(of, actor, request)).answer.id,
    cancel: (id: string, of = app) => operations.cancel(of, id, actor),
    redrive: (id: string, force = false, of = app) => operations.redrive(of, id, force, actor),
    recipients,
    changeRecipient: (userId: string, command: Parameters<typeof recipients.change>[2]) =>
      recipients.change(app, userId, command, actor),
    templates: createTemplates({ aggregates, renderer, recorder, patience }),
    /** What a provider says later of what it was sent; the same words have the same key. */
    receipt: (sent: Sent, outcome: Receipt['outcome'], more: Partial<Receipt> = {}) => {
      const { ref } = sent.message
      const dedupeKey = `${ref} ${JSON.stringify(outcome)}`
      return reactions.receipts.take(app, sent.provider, [{ ref, dedupeKey, outcome, ...more }])
    },
  }
}

/** One process with the roles of `options`; with none given it has all of them. */
const openProcess = async (options: ServiceOptions & { readonly world: World }, aims: Aims) => {
  const { world } = options
  const process = startProcess(world, options, aims)
  const { core, reactions, queue, inner, faults, lines, closing, crash, armCrash, pause, goOn } =
    process
  const questions = createQuestions(world)
  let stopped = false
  const die = async (): Promise<void> => {
    if (stopped) return
    crash()
    void reactions[Symbol.asyncDispose]()
    await settle()
  }
  const service = {
    ...{ world, core, reactions, queue, faults, lines, armCrash, pause, goOn },
    ...questions,
    ...createWaits(world, questions),
    ...createCommands(process),
    get fatal() {
      return process.state.fatal
    },
    get crashed() {
      return process.dead.aborted
    },
    async start() {
      await reactions.start()
      world.alive.add(service)
      process.dead.addEventListener('abort', () => world.alive.delete(service), { once: true })
      await settle()
    },
    crash: die,
    /** Ends in order, while somebody else moves time. */
    async end() {
      await reactions[Symbol.asyncDispose]()
      await inner[Symbol.asyncDispose]()
      stopped = true
      world.alive.delete(service)
      closing.abort()
    },
    /** Ends in order: what is under way comes to its end, while time goes on. */
    stop: () => letEnd(world.clock, service.end()),
    [Symbol.asyncDispose]: die,
  }
  return service
}

/**
 * A whole service on memory stores, a fake clock and providers that say what the test wants: one process, or
 * in cluster mode several that look like one (`together.ts`). With `roles` it is one process of a cluster.
 * Disposing is a crash: nothing is drained. Another one on the same `world` finds what is in the stores.
 */
export const openService = async (options: ServiceOptions = {}): Promise<Service> => {
  const { roles, world = createWorld({ capacity: options.capacity }) } = options
  const aims = createAims()
  const open = (of?: readonly Role[]) =>
    openProcess({ ...options, world, ...(of && { roles: of }) }, aims)
  const service = inCluster && roles === undefined ? await together(world, open) : await open(roles)
  if (options.asleep !== true) await service.start()
  return service
}

export type Service = Awaited<ReturnType<typeof openProcess>>
