import { Unavailable } from '#ports/errors.ts'
import type { Log } from '#ports/log.ts'
import type {
  Checked,
  DisposableRenderer,
  Rendered,
  RenderRequest,
  TemplateProblem,
  TemplateSource,
} from '#ports/renderer.ts'
import { type Cell, CHECKED, FIELDS, onlyFields } from './protocol.ts'
import { type Job, RenderThread } from './render-thread.ts'
import { SOURCE_MAX_BYTES } from './worker/limits.ts'

export interface HandlebarsSettings {
  readonly workers?: number
  /** For one render, from when the worker begins it; waiting does not count. */
  readonly timeoutMs?: number
  /** For all texts of one render together. */
  readonly outputMaxBytes?: number
  /** Of a worker's heap. */
  readonly memoryMb?: number
  readonly log?: Log
}

const DRAIN_MS = 2_000
/** Requests are limited to 64 KB long before; this keeps a mistake out of the worker. */
const DATA_MAX_CHARS = 1024 * 1024

const failed = (message: string): Rendered => ({ ok: false, code: 'template/failed', message })

/** Only our fields, only texts of a size that may be copied: anything else could break a whole batch. */
const sourceProblems = (source: TemplateSource): readonly TemplateProblem[] =>
  FIELDS.flatMap((field): TemplateProblem[] => {
    const text: unknown = source[field]
    if (text === undefined) return []
    if (typeof text !== 'string')
      return [{ code: 'template/not-text', message: 'A template is a text.', field }]
    // A UTF-16 unit is at most three bytes: most texts need not be measured.
    if (text.length * 3 <= SOURCE_MAX_BYTES) return []
    if (Buffer.byteLength(text) <= SOURCE_MAX_BYTES) return []
    const message = `A template has at most ${SOURCE_MAX_BYTES} bytes.`
    return [{ code: 'template/too-large', message, field }]
  })

const renderedOf = ([code, ...cells]: readonly Cell[]): Rendered => {
  if (code !== '') return { ok: false, code: String(code), message: String(cells[0]) }
  const [title, body, subject, html] = cells as (string | undefined)[]
  return { ok: true, content: { body: '', ...onlyFields({ title, body, subject, html }) } }
}

const toJson = (data: unknown): string | undefined => {
  try {
    return JSON.stringify(data)
  } catch {
    // A cycle or a BigInt.
    return undefined
  }
}

const leastLoaded = (threads: readonly RenderThread[]): RenderThread =>
  threads.reduce((least, thread) => (thread.load < least.load ? thread : least))

/**
 * Templates are checked and rendered in threads of their own, so that a hostile one costs its own
 * notification and nothing else (docs/templates.md). Rejects with `Unavailable` only when closed, when too
 * much waits, or when no worker can be kept alive.
 */
export const openHandlebarsRenderer = async (
  settings: HandlebarsSettings = {},
): Promise<DisposableRenderer> => {
  const {
    workers = 1,
    timeoutMs = 200,
    outputMaxBytes = 1024 * 1024,
    memoryMb = 64,
    log,
  } = settings
  const threads = Array.from(
    { length: workers },
    () => new RenderThread({ timeoutMs, outputMaxBytes, memoryMb, log }),
  )
  const closing = () => Promise.all(threads.map((thread) => thread.close(DRAIN_MS)))
  try {
    await Promise.all(threads.map((thread) => thread.start()))
  } catch (cause) {
    await closing()
    throw new Unavailable('renderer/not-started', 'The rendering worker did not start.', { cause })
  }

  const submit = (job: Pick<Job, 'source' | 'hash' | 'locale' | 'dataJson'>) =>
    new Promise<readonly Cell[]>((settle, reject) =>
      leastLoaded(threads).submit({ ...job, settle, reject }),
    )

  const check = async (source: TemplateSource): Promise<Checked> => {
    const problems = sourceProblems(source)
    if (problems.length > 0) return { ok: false, problems }
    const [code, text] = await submit({ source, locale: '', dataJson: '' })
    if (code === CHECKED) return JSON.parse(String(text)) as Checked
    // Too slow or too large to be read at all; which of its texts is to blame is not known.
    const field = FIELDS.find((name) => source[name] !== undefined) ?? 'body'
    return { ok: false, problems: [{ code: String(code), message: String(text), field }] }
  }

  const render = async (request: RenderRequest): Promise<Rendered> => {
    const { source, sourceHash: hash, locale, data } = request
    const problem = sourceProblems(source)[0]
    if (problem) return failed(`${problem.field}: ${problem.message}`)
    const dataJson = toJson(data)
    if (dataJson === undefined) return failed('The data are not JSON.')
    if (dataJson.length > DATA_MAX_CHARS) return failed('The data are too large.')
    return renderedOf(await submit({ source, hash, locale, dataJson }))
  }

  let closed: Promise<unknown> | undefined
  return {
    check,
    render,
    [Symbol.asyncDispose]: async () => {
      closed ??= closing()
      await closed
    },
  }
}
