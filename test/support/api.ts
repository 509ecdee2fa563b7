import type { FastifyInstance, InjectOptions } from 'fastify'
import { createInProcessWorkQueue } from '#adapters/in-process/in-process-work-queue.ts'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { createHmacKeyHash } from '#adapters/system/hmac-key-hash.ts'
import { createSystemRandom } from '#adapters/system/system-random.ts'
import { unarmedCrashPoints } from '#adapters/system/unarmed-crash-points.ts'
import type { ApiNeeds } from '#api/needs.ts'
import { buildServer, defaultLimits } from '#api/server.ts'
import type { Scope } from '#domain/app/app.ts'
import type { RecordOutcome } from '#domain/notification/commands.ts'
import { defaultPolicies } from '#domain/notification/policy.ts'
import { createAccept } from '#handlers/accept.ts'
import { createAggregates } from '#handlers/aggregates.ts'
import { createApps } from '#handlers/apps.ts'
import { createConsequences } from '#handlers/consequences.ts'
import {
  type CredentialOptions,
  type Credentials,
  createCredentials,
} from '#handlers/credentials.ts'
import { createReferences } from '#handlers/messages.ts'
import { createNotifications } from '#handlers/notifications.ts'
import { createOperations } from '#handlers/operate.ts'
import { project } from '#handlers/project.ts'
import { createQuarantine } from '#handlers/quarantine.ts'
import { createReadModels } from '#handlers/read-models.ts'
import { createReceipts } from '#handlers/receipts.ts'
import { createRecipients } from '#handlers/recipients.ts'
import { createRecorder } from '#handlers/recorder.ts'
import { createRemovals } from '#handlers/removals.ts'
import { createRouter } from '#handlers/route.ts'
import { createTemplates } from '#handlers/templates.ts'
import type { Channel, ReceiptReader } from '#ports/channel.ts'
import type { EventStore } from '#ports/event-store.ts'
import type { Log, LogFields } from '#ports/log.ts'
import type { Renderer } from '#ports/renderer.ts'
import { Secret } from '#ports/secret.ts'
import { allProjections } from '#projections/all.ts'
import { collectionOf } from '#projections/projection.ts'
import { createFakeClock, type FakeClock } from './fake-clock.ts'

/** Knows `{{name}}` and no more; whatever has `{{#bad}}` is refused. */
const createFakeRenderer = (): Renderer => ({
  check: async (source) => {
    for (const [field, text] of Object.entries(source)) {
      if (!text.includes('{{#bad}}')) continue
      const code = 'template/forbidden-construct'
      return {
        ok: false,
        problems: [{ code, message: 'No.', field: field as keyof typeof source }],
      }
    }
    const found = Object.values(source)
      .join(' ')
      .matchAll(/\{\{([\w.]+)\}\}/g)
    return { ok: true, required: [...new Set([...found].map((each) => each[1]!))] }
  },
  render: async ({ source, data }) => {
    const fill = (text = '') => text.replaceAll(/\{\{(\w+)\}\}/g, (_, name) => String(data[name]))
    return { ok: true, content: { body: fill(source.body) } }
  },
})

/** `x-signed: yes` is a signature; the body is a list of receipts. */
export const fakeReceiptReader: ReceiptReader = {
  provider: 'twilio',
  read: ({ headers, body }) =>
    headers['x-signed'] === 'yes' ? JSON.parse(Buffer.from(body).toString()) : undefined,
}

export interface LogLine {
  readonly level: keyof Log
  readonly message: string
  readonly fields: LogFields
}

const createLog = (lines: LogLine[]): Log => {
  const at =
    (level: keyof Log) =>
    (message: string, fields: LogFields = {}) => {
      lines.push({ level, message, fields })
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export interface TestApi extends AsyncDisposable {
  readonly server: FastifyInstance
  readonly needs: ApiNeeds
  readonly credentials: Credentials
  readonly clock: FakeClock
  readonly logged: readonly LogLine[]
  readonly keyOf: (app: string, ...scopes: Scope[]) => Promise<string>
  /** A key of the app `shop` with all scopes. */
  readonly key: string
  /** Asks with `key`, unless `headers` say otherwise. */
  readonly ask: (
    method: NonNullable<InjectOptions['method']>,
    url: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => ReturnType<typeof send>
  /** Brings the read models up to date. */
  readonly project: () => Promise<void>
  /** Routes what has been requested. */
  readonly route: (id: string) => Promise<void>
  /** Sends what was routed over the first delivery; by default the provider is busy. */
  readonly dispatch: (id: string, outcome?: RecordOutcome['outcome']) => Promise<void>
  /** All that is in the log. */
  readonly recorded: () => ReturnType<typeof readLog>
  readonly references: ReturnType<typeof createReferences>
}

const send = (
  server: FastifyInstance,
  options: InjectOptions,
): Promise<import('fastify').LightMyRequestResponse> => server.inject(options)

const readLog = async (events: EventStore) => (await events.readAll({ limit: 10_000 })).events

export const bodyOptions = (body: unknown): Pick<InjectOptions, 'payload'> =>
  body === undefined
    ? {}
    : { payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body) }

type Over = Partial<ApiNeeds> & { readonly events?: EventStore }

const createHandlers = (over: Over, logged: LogLine[]) => {
  const clock = createFakeClock()
  const events = over.events ?? createMemoryEventStore()
  const documents = createMemoryDocumentStore(clock)
  const random = createSystemRandom()
  const log = createLog(logged)
  const { signal } = new AbortController()
  const keyHash = createHmacKeyHash(new Secret('0123456789abcdef0123456789abcdef'))
  const recorder = createRecorder({ events, clock, random, log })
  const aggregates = createAggregates({ events, keyHash, clock })
  const patience = { signal, waitMaxMs: 0 }
  const notifications = createNotifications({ events, recorder, patience })
  const usual = { security: 'security', transactional: 'transactional', ads: 'ad' } as const
  const categories = over.categories ?? usual
  const references = createReferences(keyHash)
  const crashPoints = unarmedCrashPoints
  const base = { events, recorder, aggregates, clock, random, log, patience, keyHash }
  const receipts = createReceipts({
    ...{ ...base, notifications, references, policies: defaultPolicies, crashPoints },
    consequences: createConsequences({ aggregates, recorder, log, signal }),
    quarantine: createQuarantine({ events, recorder, clock, signal }),
    removals: createRemovals({ clock, log }),
  })
  const channel: Channel = { provider: 'twilio', send: async () => ({ is: 'accepted' }) }
  const rates: CredentialOptions[] = [{ name: 'twilio', channel, ratePerSecond: 100 }]
  return {
    ...{ clock, references, notifications, aggregates, log, events, documents, categories },
    accept: createAccept({ ...base, categories, crashPoints }),
    operations: createOperations(notifications),
    recipients: createRecipients(base),
    templates: createTemplates({ ...base, renderer: createFakeRenderer() }),
    apps: createApps(base),
    receipts,
    readModels: createReadModels({ documents, clock }),
    queue: createInProcessWorkQueue({ clock }),
    credentials: createCredentials(rates, { clock, random, log }),
  }
}

/** The whole API over memory, with the real handlers. */
export const openApi = async (over: Over = {}): Promise<TestApi> => {
  const logged: LogLine[] = []
  const handlers = createHandlers(over, logged)
  const { clock, events, documents, notifications, aggregates, references } = handlers
  const needs: ApiNeeds = {
    ...handlers,
    receiptReaders: new Map([['twilio', fakeReceiptReader]]),
    progress: () => [],
    health: async () => ({ ready: true, problems: [] }),
    limits: defaultLimits,
    version: '0.0.0-test',
    ...over,
  }
  const server = buildServer(needs)
  const keyOf = async (app: string, ...scopes: Scope[]) =>
    (await needs.apps.issueKey(app, scopes, 'cli')).key
  const key = await keyOf('shop')
  const router = createRouter({ notifications, aggregates, clock })
  return {
    ...{ server, needs, clock, logged, keyOf, key, references },
    credentials: handlers.credentials,
    ask: (method, url, body, headers = {}) => {
      const type = body === undefined ? {} : { 'content-type': 'application/json' }
      const all = { authorization: `Bearer ${key}`, ...type, ...headers }
      return send(server, { method, url, headers: all, ...bodyOptions(body) })
    },
    project: async () => {
      for (const projection of allProjections) {
        const collection = collectionOf(projection, 0)
        const all = await readLog(events)
        await project({ documents, projection, collection, clock, events: all, log: needs.log })
      }
    },
    route: (notificationId) => router({ lane: 'route', priority: 'normal', notificationId }),
    dispatch: async (id, outcome = { is: 'retry', code: '503', reason: 'busy' }) => {
      const about = { deliveryId: 'd1', attempt: 1, now: clock.now(), fraction: 0.5 }
      const loaded = await notifications.load(id)
      const { deliveryId } = about
      const deadline = about.now + 15_000
      const fence = {
        do: 'dispatch',
        deliveryId,
        deadline,
        contentHash: 'c',
        to: '+821012345678',
      } as const
      const policy = defaultPolicies.sms
      const order = { do: 'record-outcome', ...about, policy, outcome } as const
      await notifications.change(loaded, [fence, order], 'system:channels')
    },
    recorded: () => readLog(events),
    [Symbol.asyncDispose]: () => server.close(),
  }
}

export const request = (over: Readonly<Record<string, unknown>> = {}) => ({
  eventId: 'order-1:mina',
  to: { phone: '+821012345678' },
  content: { body: 'Your order is on its way.' },
  ...over,
})
