import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { parseScript, providers } from './answers.ts'
import { type Chooser, type FaultMix, faultNames } from './chooser.ts'
import type { Courier } from './courier.ts'
import { readBody } from './exchange.ts'
import { httpOptions } from './http-options.ts'
import { objectIn } from './json.ts'
import type { Ledger } from './ledger.ts'
import { type Listener, listen } from './listener.ts'
import { magicNames, magicRecipient } from './magic.ts'
import type { SendgridEvents } from './sendgrid-events.ts'

const bodyBytesMax = 1_048_576
const linesPerChunk = 500

interface ControlOptions {
  config: unknown
  ledger: Ledger
  chooser: Chooser
  courier: Courier
  events: SendgridEvents
}

type Route = (body: unknown, query: URLSearchParams) => unknown

/** What is streamed line by line instead of being answered as one JSON value. */
class Lines {
  readonly chunks: Iterable<string>

  constructor(chunks: Iterable<string>) {
    this.chunks = chunks
  }
}

function* ledgerLines(ledger: Ledger, after: number): Generator<string> {
  let chunk = ''
  let lines = 0
  for (const entry of ledger.read(after)) {
    chunk += `${JSON.stringify(entry)}\n`
    lines += 1
    if (lines % linesPerChunk > 0) continue
    yield chunk
    chunk = ''
  }
  yield chunk
}

const recipients = () =>
  Object.fromEntries(
    providers.map((provider) => [
      provider,
      Object.fromEntries(
        magicNames(provider).map((name) => [name, magicRecipient(provider, name)]),
      ),
    ]),
  )

const parseFaults = (body: unknown): { rate: number; mix: FaultMix } => {
  const { rate, mix } = objectIn(body)
  if (typeof rate !== 'number' || !(rate >= 0 && rate <= 1))
    throw new TypeError('Expected {"rate": 0…1}.')
  const weights = Object.entries(objectIn(mix))
  const wrong = weights.find(
    ([name, weight]) =>
      !faultNames.some((known) => known === name) || typeof weight !== 'number' || weight < 0,
  )
  if (wrong !== undefined)
    throw new TypeError(`mix/${wrong[0]}: expected weights of ${faultNames}.`)
  return { rate, mix: Object.fromEntries(weights) }
}

const parseCallback = (body: unknown, courier: Courier): string => {
  const { provider, url } = objectIn(body)
  if (provider !== 'sendgrid' || typeof url !== 'string')
    throw new TypeError('Expected {"provider": "sendgrid", "url": "…"}.')
  if (!courier.allows(url))
    throw new TypeError(
      'Callbacks go to http on loopback, or to a host that --callback-host named.',
    )
  return url
}

const createRoutes = (options: ControlOptions): Record<string, Route> => {
  const { config, ledger, chooser, courier, events } = options
  return {
    'GET /config': () => config,
    'GET /magic': recipients,
    'GET /idle': () => courier.idle(),
    'GET /ledger': (_body, query) =>
      new Lines(ledgerLines(ledger, Number(query.get('after')) || 0)),
    'GET /ledger/summary': () => ledger.summary(),
    'DELETE /ledger': () => ledger.clear(),
    'POST /script': (body) => {
      const { to, answers } = parseScript(body)
      chooser.script(to, answers)
    },
    'POST /faults': (body) => {
      const { rate, mix } = parseFaults(body)
      chooser.setFaults(rate, mix)
    },
    'POST /callbacks': (body) => events.setUrl(parseCallback(body, courier)),
  }
}

const answer = (response: ServerResponse, status: number, value: unknown): void => {
  if (value === undefined) {
    response.writeHead(204).end()
    return
  }
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

const run = async (
  route: Route,
  body: Buffer | undefined,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> => {
  try {
    const text = body?.toString('utf8') ?? ''
    const value = await route(text === '' ? undefined : JSON.parse(text), query)
    if (!(value instanceof Lines)) return answer(response, 200, value)
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    Readable.from(value.chunks).pipe(response)
  } catch (error) {
    answer(response, 400, { error: error instanceof Error ? error.message : String(error) })
  }
}

/** How a test in another process, or a person with curl, speaks to the sandbox itself. */
export const listenControl = (
  options: ControlOptions,
  host: string,
  port: number,
): Promise<Listener> => {
  const routes = createRoutes(options)
  const server = createServer(httpOptions, (incoming: IncomingMessage, response) => {
    const [path = '/', query = ''] = (incoming.url ?? '/').split('?', 2)
    readBody(incoming, bodyBytesMax, (body) => {
      const route = routes[`${incoming.method} ${path}`]
      if (route === undefined) answer(response, 404, { routes: Object.keys(routes) })
      else void run(route, body, new URLSearchParams(query), response)
    })
  })
  return listen(server, host, port)
}
