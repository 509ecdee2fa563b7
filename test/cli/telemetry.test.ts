import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { runPabal, startService } from '../support/pabal-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const hello = {
  eventId: 'hello',
  to: { email: 'mina@example.org' },
  content: { subject: 'Hello', body: 'A very private text.' },
}

/** Takes what is exported over OTLP, as JSON. */
const openCollector = async () => {
  const bodies: { readonly path: string; readonly body: string }[] = []
  const server = createServer(async (incoming: IncomingMessage, outgoing) => {
    bodies.push({ path: incoming.url!, body: await text(incoming) })
    outgoing.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    at: (path: string) =>
      bodies.filter((each) => each.path === path).map(({ body }) => JSON.parse(body)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Whoever loads a package of OpenTelemetry fails. */
const hook = `import{registerHooks}from'node:module';registerHooks({resolve(name,context,next){if(name.startsWith('@opentelemetry'))throw(Error('Loaded:'+name));return(next(name,context))}})`
const withoutPackages = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}`,
}

describe('OpenTelemetry', () => {
  test('gets traces and metrics by its standard variables, down to the last', async () => {
    using directory = temporaryDirectory()
    await using collector = await openCollector()
    {
      await using service = await startService({
        PABAL_DATA_DIR: directory.path,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      })
      expect((await service.post('/v1/notifications', hello)).status).toBe(202)
    }
    const resources = collector.at('/v1/traces').flatMap((each) => each.resourceSpans)
    const names = resources
      .flatMap((each) => each.scopeSpans)
      .flatMap((each) => each.spans)
      .map((span: { name: string }) => span.name)
    expect(names).toContain('POST /v1/notifications')
    expect(names).toContain('append NotificationRequested')
    expect(JSON.stringify(resources[0].resource)).toContain(
      '"service.name","value":{"stringValue":"pabal"}',
    )
    const metrics = collector
      .at('/v1/metrics')
      .flatMap((each) => each.resourceMetrics)
      .flatMap((each) => each.scopeMetrics)
      .flatMap((each) => each.metrics)
    const told = new Set(metrics.map((metric: { name: string }) => metric.name))
    for (const name of [
      'http.server.request.duration',
      'pabal.log.events',
      'pabal.notifications',
    ]) {
      expect(told).toContain(name)
    }
    expect(collector.bodies.map(({ path }) => path)).not.toContain('/v1/logs')
    const everything = collector.bodies.map(({ body }) => body).join()
    expect(everything).not.toContain('mina@example.org')
    expect(everything).not.toContain('private text')
  })

  test('is not loaded when nobody asks for it, not even for /metrics', async () => {
    using directory = temporaryDirectory()
    const settings = { PABAL_DATA_DIR: directory.path, ...withoutPackages }
    await using service = await startService(settings)
    expect((await service.post('/v1/notifications', hello)).status).toBe(202)
    expect(await (await service.get('/metrics')).text()).toContain('pabal_log_events_total')
  })

  test('would be noticed if it were', async () => {
    using directory = temporaryDirectory()
    const { code, err } = await runPabal(['start'], {
      PABAL_DATA_DIR: directory.path,
      PABAL_PORT: '0',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      ...withoutPackages,
    })
    expect(code).toBe(1)
    expect(err).toContain('Loaded:@opentelemetry/')
  })
})
