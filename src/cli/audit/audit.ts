import { parseArgs } from 'node:util'
import { notificationIdOf } from '#domain/identity.ts'
import { toldData } from '#handlers/told-event.ts'
import type { RecordedEvent } from '#ports/event-store.ts'
import { type Env, parseConfig } from '../../config.ts'
import { misused, printJson } from '../orders.ts'
import { openToLook, type ReadOnly } from './read-only.ts'
import { type Verification, verify } from './verify.ts'

const usage = `./pabal audit verify [--json]
       ./pabal audit show ID | --event-id EVENT_ID [--app default] [--personal]
       ./pabal audit replay [--after POSITION] [--types A,B] [--stream NAME] [--personal]`

const pageMax = 1_000

/** One line of the log; what identifies a person is left out unless asked for. */
const lineOf = (event: RecordedEvent, personal: boolean): string => {
  const { personal: sealed, ...rest } = event
  const told = { ...rest, data: toldData(event) }
  return `${JSON.stringify(personal && sealed ? { ...told, personal: sealed } : told)}\n`
}

/** Resolves when the reader of our output has taken it; a closed pipe ends us quietly. */
const write = (text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
  })

const show = async (stores: ReadOnly, id: string, personal: boolean): Promise<number> => {
  const stream =
    id.includes('-') && /^[a-z]+-/.test(id) && !/^[0-9a-f]{8}-/.test(id) ? id : `notification-${id}`
  const events = await stores.events.read(stream)
  for (const event of events) await write(lineOf(event, personal))
  if (events.length > 0) return 0
  process.stderr.write(`There is no stream ${stream}.\n`)
  return 1
}

const replay = async (
  stores: ReadOnly,
  options: { after?: string; types?: ReadonlySet<string>; stream?: string; personal: boolean },
): Promise<void> => {
  let { after } = options
  for (let atHead = false; !atHead; ) {
    const page = await stores.events.readAll({
      limit: pageMax,
      ...(after !== undefined && { after }),
    })
    const wanted = page.events.filter(
      ({ type, stream }) =>
        (options.types?.has(type) ?? true) && (options.stream ?? stream) === stream,
    )
    await write(wanted.map((event) => lineOf(event, options.personal)).join(''))
    after = page.checkpoint
    atHead = page.atHead
  }
}

const tell = (result: Verification): string => {
  const { clean, events, documents, behind, differences } = result
  const { accepted, finished, parked, pending } = result
  const lines = [
    `${events} events replayed, ${documents} documents compared${behind > 0 ? `, ${behind} of them not caught up yet` : ''}.`,
    `${accepted} accepted = ${finished} finished + ${parked} parked + ${pending} pending.`,
    ...differences.map(
      ({ projection, id, what, detail }) => `  ${projection} ${id}: ${what}: ${detail}`,
    ),
    clean
      ? 'The log is sound and the read models say what it says.'
      : `${differences.length} differences.`,
  ]
  return `${lines.join('\n')}\n`
}

/** Looks only: it can run beside the service, and can never send anything. */
export const runAudit = async (args: string[], env: Env): Promise<number> => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      app: { type: 'string', default: 'default' },
      'event-id': { type: 'string' },
      after: { type: 'string' },
      types: { type: 'string' },
      stream: { type: 'string' },
      personal: { type: 'boolean', default: false },
    },
  })
  const [verb, id] = positionals
  const eventId = values['event-id']
  await using stores = await openToLook(parseConfig(env))
  const { personal, after, stream } = values
  if (verb === 'verify') {
    const result = await verify(stores)
    if (values.json) printJson(result)
    else process.stdout.write(tell(result))
    return result.clean ? 0 : 1
  }
  if (verb === 'show') {
    const asked = id ?? (eventId === undefined ? undefined : notificationIdOf(values.app, eventId))
    return asked === undefined ? misused(usage) : show(stores, asked, personal)
  }
  if (verb !== 'replay') return misused(usage)
  const types = values.types === undefined ? {} : { types: new Set(values.types.split(',')) }
  await replay(stores, {
    personal,
    ...types,
    ...(after !== undefined && { after }),
    ...(stream !== undefined && { stream }),
  })
  return 0
}
