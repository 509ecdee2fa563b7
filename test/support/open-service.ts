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
import type { CrashPointName } from '#ports/crash-points.ts'
import type { DocumentStore } from '#ports/document-store.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'
import type { Log, LogFields } from '#ports/log.ts'
import { Secret } from '#ports/secret.ts'
import type { WorkQueue } from '#ports/work-queue.ts'
import { createCore } from '#src/app/core.ts'
import { createReactions } from '#src/app/reactions.ts'
import { createFakeClock, settle } from './fake-clock.ts'
import {
  faultyDocuments,
  faultyEvents,
  faultyQueue,
  noFaults,
  severed,
  severedEvents,
} from './faulty-ports.ts'
import { createPlainRenderer } from './plain-renderer.ts'
import { createScriptedChannel, type Sent } from './scripted-channel.ts'
import { createSeededRandom } from './seeded-random.ts'

export const app = 'shop'
export const actor = 'key:test'
export const categories = {
  security: 'security',
  transactional: 'transactional',
  orders: 'transactional',
  marketing: 'ad',
} as const

const providerNames: readonly ProviderName[] = ['apns', 'fcm', 'twilio', 'sendgrid']

/** What outlives a process: the stores, the providers, time. */
export const createWorld = () => {
  const clock = createFakeClock()
  return {
    clock,
    random: createSeededRandom(),
    events: createMemoryEventStore(),
    documents: createMemoryDocumentStore(),
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
  /** Nothing moves by itself until `start` is called. */
  readonly asleep?: boolean
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

const createCrash = () => {
  const dead = new AbortController()
  let armed: { readonly point: CrashPointName; left: number } | undefined
  return {
    dead: dead.signal,
    /** From now on nothing this process does reaches anybody, and nobody answers it. */
    crash: () => dead.abort(),
    /** Dies when it comes to this point for the n-th time. */
    armCrash(point: CrashPointName, nth = 1) {
      armed = { point, left: nth }
    },
    crashPoints: {
      reach(point: CrashPointName) {
        if (armed?.point !== point) return
        armed.left -= 1
        if (armed.left > 0) return
        armed = undefined
        dead.abort()
        throw new Crashed(point)
      },
    },
  }
}

const slotsOf = (slots: number) => ({
  routeSlots: slots,
  pushSlots: slots,
  smsSlots: slots,
  emailSlots: slots,
  recoveryMarkMs: 3_600_000,
})

const startProcess = (world: World, options: ServiceOptions) => {
  const faults = noFaults()
  const lines: LogLine[] = []
  const crashing = createCrash()
  const { dead } = crashing
  const clock = severed(world.clock, dead)
  const events = severedEvents(faultyEvents(world.events, faults, world.clock), dead)
  const documents: DocumentStore = severed(faultyDocuments(world.documents, faults), dead)
  const { capacity, ratePerSecond = 1_000_000, slots = 64, policies } = options
  const inner = createInProcessWorkQueue({ clock, ...(capacity !== undefined && { capacity }) })
  const queue: WorkQueue = faultyQueue(inner, faults)
  const closing = new AbortController()
  const core = createCore({
    ...{ events, documents, clock, random: world.random, log: createListLog(lines) },
    crashPoints: crashing.crashPoints,
    keyHash: createHmacKeyHash(new Secret('the secret of every test, never used elsewhere')),
    closing: closing.signal,
  })
  const names = options.providers ?? providerNames
  const channels = new Map(names.map((name) => [name as string, severed(world[name], dead)]))
  const credentials = [...channels].map(([name, channel]) => ({ name, channel, ratePerSecond }))
  const renderer = createPlainRenderer()
  const state: { fatal: Error | undefined } = { fatal: undefined }
  const reactions = createReactions({
    ...{ core, renderer, queue, config: slotsOf(slots) },
    policies: { ...defaultPolicies, ...policies },
    providers: { channels, credentials },
    onFatal: (error) => {
      state.fatal ??= error
    },
  })
  return { ...crashing, core, reactions, renderer, queue, inner, faults, lines, state, closing }
}

type Process = ReturnType<typeof startProcess>

const createCommands = ({ core, reactions, renderer }: Process) => {
  const { aggregates, recorder, commandPatience: patience, crashPoints } = core
  const accept = createAccept({ ...core, categories, crashPoints })
  const recipients = createRecipients({ aggregates, recorder, patience })
  const operations = createOperations(core.commandNotifications)
  return {
    accept: (request: NotificationRequest, of = app) => accept(of, actor, request),
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

/**
 * A whole service on memory stores, a fake clock and providers that say what the test wants. Disposing is a
 * crash: nothing is drained. Another one on the same `world` finds what is in the stores.
 */
export const openService = async (options: ServiceOptions = {}) => {
  const world = options.world ?? createWorld()
  const process = startProcess(world, options)
  const { core, reactions, queue, inner, faults, lines, closing, crash, armCrash } = process
  const questions = createQuestions(world)
  let stopped = false
  const die = async (): Promise<void> => {
    if (stopped) return
    crash()
    void reactions[Symbol.asyncDispose]()
    await settle()
  }
  const start = async (): Promise<void> => {
    await reactions.start()
    await settle()
  }
  if (options.asleep !== true) await start()
  return {
    ...{ world, core, reactions, queue, faults, lines, armCrash, start },
    ...questions,
    ...createWaits(world, questions),
    ...createCommands(process),
    get fatal() {
      return process.state.fatal
    },
    get crashed() {
      return process.dead.aborted
    },
    crash: die,
    /** Ends in order: what is under way comes to its end, while time goes on. */
    async stop() {
      const ended = reactions[Symbol.asyncDispose]().then(() => inner[Symbol.asyncDispose]())
      void ended.then(() => {
        stopped = true
      })
      for (let steps = 0; steps < 600 && !stopped; steps += 1) await world.clock.advance(100)
      closing.abort()
      if (!stopped) throw new Error('It did not stop within a minute.')
    },
    [Symbol.asyncDispose]: die,
  }
}

export type Service = Awaited<ReturnType<typeof openService>>
