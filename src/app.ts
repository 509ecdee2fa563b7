import { createServer } from 'node:net'
import { openHandlebarsRenderer } from '#adapters/handlebars/renderer.ts'
import { runningSdk } from '#adapters/opentelemetry/running.ts'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { buildServer } from '#api/server.ts'
import { createAccept } from '#handlers/accept.ts'
import { runFeed } from '#handlers/feed.ts'
import { createOperations } from '#handlers/operate.ts'
import { createRecipients } from '#handlers/recipients.ts'
import { createTemplates } from '#handlers/templates.ts'
import { StartRefused } from '#ports/errors.ts'
import type { EventFeed } from '#ports/event-feed.ts'
import type { Log } from '#ports/log.ts'
import type { Around } from './app/base.ts'
import { refusalOfControlPath, startControl } from './app/control.ts'
import type { Core } from './app/core.ts'
import { pathsOf } from './app/embedded.ts'
import { createHealth } from './app/health.ts'
import { openBase } from './app/open-base.ts'
import { createOperatorOrders } from './app/operations.ts'
import { policiesOf } from './app/policies.ts'
import { createProbes } from './app/probes.ts'
import { openProviders } from './app/providers.ts'
import { createReactions } from './app/reactions.ts'
import type { Follower } from './app/roles.ts'
import { announceWebhook, withSandbox } from './app/sandbox-settings.ts'
import { followersOf, gaugeSources } from './app/telemetry/gauges.ts'
import { createTelemetry } from './app/telemetry/telemetry.ts'
import { type Config, isCluster } from './config.ts'

export interface App extends AsyncDisposable {
  readonly url: string
  /** Embedded only: `PRAGMA synchronous` of the log. */
  readonly synchronous?: number
  /** Printed once: there was no app yet, so `default` was made with this key. */
  readonly firstKey?: string
  /** Resolves when the service cannot go on; the reason has been logged. */
  readonly failed: Promise<Error>
}

const version = '0.1.0'
const requestTimeoutMs = 15_000
const firstApp = 'default'

/** Providers are told our address before we listen; for port 0 a free one is found first. */
const freePort = async (config: Config): Promise<number> => {
  if (config.port !== 0) return config.port
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, config.host, resolve))
  const { port } = probe.address() as { port: number }
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/** Where this machine reaches the service; a wildcard is no address to go to. */
const urlOf = (host: string, port: number): string => {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`
  if (host === '::') return `http://[::1]:${port}`
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`
}

/** Other services hear from now on: what lies further back they can read from the log. */
const feedFollower = (core: Core, feed: EventFeed): Follower => ({
  name: 'feed',
  run: (tenure) => runFeed({ ...core, events: core.toldEvents, feed, tenure, from: 'head' }),
})

const listenRefused = (config: Config, port: number, cause: unknown): StartRefused =>
  new StartRefused(
    'start/port',
    `Cannot listen on ${config.host}:${port} (${(cause as NodeJS.ErrnoException).code}); set PABAL_PORT or PABAL_HOST.`,
    { cause },
  )

const refuseLongPath = (config: Config): void => {
  const refusal = isCluster(config)
    ? undefined
    : refusalOfControlPath(pathsOf(config.dataDir).control)
  if (refusal) throw refusal
}

/** Starts the whole service. What was opened is closed again, last first, also when a later step throws. */
export const startApp = async (given: Config, around: Around = {}): Promise<App> => {
  refuseLongPath(given)
  await using opening = new AsyncDisposableStack()
  let logOf: Log | undefined
  const telemetry = createTelemetry({
    clock: createSystemClock(),
    log: () => logOf,
    token: given.metricsToken,
    sdk: runningSdk(),
  })
  const events: Around['events'] = (opened) => telemetry.events(around.events?.(opened) ?? opened)
  const core = opening.use(await openBase(given, { ...around, events }))
  logOf = core.log
  const { config, authorities } = await withSandbox(given)
  const { clock, log, crashPoints, aggregates, recorder, commandPatience } = core
  const port = await freePort(config)
  const url = urlOf(config.host, port)
  const publicUrl = config.publicUrl ?? url
  const renderer = opening.use(await openHandlebarsRenderer({ log }))
  const providers = opening.use(await openProviders(config, clock, publicUrl, authorities))
  const onError = (error: unknown) => log.error('Work failed.', { error: error as Error })
  const opened = opening.use(await core.openQueue(onError))
  const queue = telemetry.queue(opened, core.events)
  // Sends what is left while the stores still answer.
  opening.use(telemetry)
  const isRelay = given.roles.includes('relay')
  const feed = isRelay && core.openFeed ? opening.use(await core.openFeed()) : undefined
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>()
  const onFatal = (error: Error): void => {
    log.error('The service cannot go on.', { error })
    fail(error)
  }
  const reactions = opening.use(
    createReactions({
      core,
      config,
      policies: policiesOf(config),
      providers: {
        credentials: providers.credentials,
        channels: new Map(
          [...providers.channels].map(([name, channel]) => [name, telemetry.channel(channel)]),
        ),
      },
      renderer,
      queue,
      onFatal,
      roles: config.roles,
      followers: feed ? [feedFollower(core, feed)] : [],
    }),
  )
  await reactions.start()
  const followers = () => followersOf(core.projector.lastProgress, reactions.relayed)
  telemetry.observe(gaugeSources({ ...core, queue, credentials: reactions.credentials, followers }))

  const progress = () => core.board.progress
  const { credentialsView: credentials, receipts, clockCheck } = reactions
  const isApi = config.roles.includes('api')
  const patience = commandPatience
  const server = buildServer({
    accept: telemetry.accept(createAccept({ ...core, categories: config.categories, crashPoints })),
    metrics: telemetry.metrics,
    tracing: telemetry.tracing,
    operations: createOperations(core.commandNotifications),
    recipients: createRecipients({ aggregates, recorder, patience }),
    templates: createTemplates({ aggregates, renderer, recorder, patience }),
    apps: core.apps,
    receipts,
    receiptReaders: providers.receiptReaders,
    events: core.events,
    documents: core.documents,
    readModels: core.readModels,
    queue,
    credentials,
    progress,
    health: createHealth({
      ...{ credentials, progress, clock, clockCheck, lastFailure: core.lastAppendFailure },
      silences: createProbes({ ...core, queue }),
    }),
    operationsOnly: !isApi,
    categories: config.categories,
    clock,
    log,
    limits: {
      ratePerSecond: config.rateLimitPerSecond,
      requestTimeoutMs,
      batchIdleMs: requestTimeoutMs,
    },
    version,
  })
  opening.defer(() => server.close())
  if (core.controlPath !== undefined) {
    const orders = createOperatorOrders({ core, running: true })
    opening.use(await startControl(core.controlPath, orders, log))
  }
  try {
    await server.listen({ host: config.host, port })
  } catch (cause) {
    throw listenRefused(config, port, cause)
  }
  let firstKey: string | undefined
  if (isApi) await announceWebhook(config, publicUrl)
  if (isApi && !(await core.apps.exists(firstApp))) {
    firstKey = (await core.apps.issueKey(firstApp, [], 'start')).key
  }
  const running = opening.move()
  return {
    url,
    failed,
    ...(core.synchronous !== undefined && { synchronous: core.synchronous }),
    ...(firstKey !== undefined && { firstKey }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
