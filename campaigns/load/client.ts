import type { Answer, Book } from './book.ts'
import { people } from './people.ts'
import { type Submission, template, templateName } from './requests.ts'

/** Where the service is and how it is spoken to. */
export interface Client {
  /** Registers everybody and publishes the template; before the first kill. */
  prepare(): Promise<void>
  /** Asks, and writes every answer that comes back into the book; resolves also when the service dies. */
  submit(submissions: readonly Submission[]): Promise<void>
}

/** `status` is the one that the line alone would have been answered with. */
interface BatchLine {
  readonly line: number
  readonly status: number
  readonly id?: string
  readonly eventId?: string
  readonly notificationStatus?: string
}

const requestWithinMs = 10_000
/** Without a last one that was cut off. */
async function* wholeLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop()!
    yield* lines
  }
}

/** The service is up, and cannot take it now. */
const isLater = (status: number): boolean => status === 429 || status >= 500

export const createClient = (options: {
  readonly url: string
  readonly key: string
  readonly book: Book
}): Client => {
  const { url, key, book } = options

  const send = (method: string, path: string, body: string, type = 'application/json') =>
    fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': type },
      body,
      signal: AbortSignal.timeout(requestWithinMs),
    })

  const put = async (path: string, body: object): Promise<void> => {
    const answer = await send('PUT', path, JSON.stringify(body))
    if (!answer.ok) throw new Error(`PUT ${path}: ${answer.status} ${await answer.text()}`)
    await answer.arrayBuffer()
  }

  const single = async (submission: Submission): Promise<void> => {
    const answer = await send('POST', '/v1/notifications', submission.body)
    const text = await answer.text()
    if (answer.status === 202) book.note(submission, JSON.parse(text) as Answer)
    else if (!isLater(answer.status)) book.refused(submission, text)
  }

  /** Each line is an answer of its own, also when the rest never comes. */
  const batch = async (submissions: readonly Submission[]): Promise<void> => {
    const body = submissions.map((each) => `${each.body}\n`).join('')
    const answer = await send('POST', '/v1/notifications/batch', body, 'application/x-ndjson')
    if (isLater(answer.status)) return void (await answer.arrayBuffer())
    for await (const line of wholeLines(answer.body!)) {
      const said = JSON.parse(line) as BatchLine
      const submission = submissions[said.line - 1]
      if (!submission) throw new Error(`A batch was answered with ${line}`)
      const { status, id = '', eventId = '', notificationStatus = '' } = said
      if (status === 202) book.note(submission, { id, eventId, status: notificationStatus })
      else if (!isLater(status)) book.refused(submission, line)
    }
  }

  return {
    async prepare() {
      await put(`/v1/templates/${templateName}`, template)
      for (const { userId, profile, devices, optedOut } of people) {
        await put(`/v1/recipients/${userId}`, profile)
        for (const [index, device] of devices.entries()) {
          await put(`/v1/recipients/${userId}/devices/device-${index}`, device)
        }
        if (optedOut) await put(`/v1/recipients/${userId}/preferences`, { receive: false })
      }
    },
    async submit(submissions) {
      const [only] = submissions
      if (!only) return
      try {
        await (submissions.length === 1 ? single(only) : batch(submissions))
      } catch (error) {
        // Killed in the middle: what has no answer is asked again.
        if (!isBroken(error)) throw error
      } finally {
        for (const each of submissions) book.asked(each)
      }
    },
  }
}

/** The connection, or the end of it; anything else is a mistake of this campaign. */
const isBroken = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false
  const { cause, name, message } = error
  return name === 'TimeoutError' || message === 'terminated' || cause !== undefined
}
