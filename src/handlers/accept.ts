import { canonicalJson } from '#domain/canonical-json.ts'
import { fingerprintVersion, notificationIdOf, sha256 } from '#domain/identity.ts'
import { decide } from '#domain/notification/decide.ts'
import { bareEndpoint } from '#domain/notification/endpoint.ts'
import type {
  BareAddress,
  Channel,
  Content,
  Priority,
  RequestedData,
  RequestedPersonal,
} from '#domain/notification/events.ts'
import { evolve } from '#domain/notification/evolve.ts'
import { type NotificationStatus, statusOf } from '#domain/notification/status.ts'
import { Refusal } from '#domain/recorded-fact.ts'
import { missingVariable, templateVersion } from '#domain/template/template.ts'
import type { Clock } from '#ports/clock.ts'
import type { CrashPoints } from '#ports/crash-points.ts'
import { EventTooLarge, VersionConflict } from '#ports/errors.ts'
import type { EventStore, RecordedEvent } from '#ports/event-store.ts'
import type { Aggregates } from './aggregates.ts'
import type { Recorder } from './recorder.ts'

/** A producer's request, of the right shape; see the API's schema for the limits of each field. */
export interface NotificationRequest {
  readonly eventId: string
  readonly to:
    | { readonly userId: string }
    | { readonly email: string }
    | { readonly phone: string }
    | { readonly device: Extract<BareAddress, { device: unknown }>['device'] }
  readonly template?: { readonly name: string; readonly version?: number }
  readonly content?: Content
  readonly data?: Readonly<Record<string, unknown>>
  readonly channels?: readonly Channel[]
  readonly category?: string
  readonly priority?: Priority
  readonly sendAt?: string
  readonly expiresAt?: string
}

export interface FirstAnswer {
  readonly id: string
  readonly eventId: string
  readonly status: NotificationStatus
}

/**
 * Durable when it resolves. The same request again gets the first answer; another body under the same
 * event id, an unknown template or category, or a missing variable throws `Refusal`.
 */
export type Accept = (
  app: string,
  actor: string,
  request: NotificationRequest,
  /** W3C `traceparent` of whoever asks: kept in the event, and in all that follow from it. */
  traceparent?: string,
) => Promise<{ readonly answer: FirstAnswer; readonly replayed: boolean }>

export type Categories = Readonly<Record<string, 'security' | 'transactional' | 'ad'>>

/** Built from event 0 alone, so that it is the same for ever. */
const answerOf = (first: RecordedEvent): FirstAnswer => {
  const state = evolve(undefined, first)!
  return {
    id: first.stream.slice('notification-'.length),
    eventId: state.eventId,
    status: statusOf(state),
  }
}

export const createAccept = (needs: {
  readonly events: EventStore
  readonly recorder: Recorder
  readonly aggregates: Aggregates
  readonly clock: Clock
  readonly categories: Categories
  readonly crashPoints: CrashPoints
}): Accept => {
  const { events, recorder, aggregates, categories, crashPoints } = needs

  const pinnedTemplate = async (app: string, request: NotificationRequest) => {
    if (!request.template) return undefined
    const { name, version } = request.template
    const { state } = await aggregates.templates.load(aggregates.streamOf.template(app, name))
    const published = templateVersion(state, name, version)
    const missing = missingVariable(published.required, request.data ?? {})
    if (missing === undefined) return published
    throw new Refusal(
      'notification/data-missing',
      `Template ${name} version ${published.version} needs data.${missing}.`,
      `/data/${missing.replaceAll('.', '/')}`,
    )
  }

  /** Everything that can be refused for a reason that may change later is decided here. */
  const requestedFact = async (
    app: string,
    request: NotificationRequest,
    fingerprint: string,
  ): Promise<{ readonly data: RequestedData; readonly personal: RequestedPersonal }> => {
    const category = request.category ?? 'transactional'
    const purpose = Object.hasOwn(categories, category) ? categories[category] : undefined
    if (!purpose) {
      throw new Refusal(
        'notification/category-unknown',
        `There is no category ${category}; the setting PABAL_CATEGORIES lists them.`,
        '/category',
      )
    }
    const published = await pinnedTemplate(app, request)
    const bare = 'userId' in request.to ? undefined : request.to
    return {
      data: {
        app,
        eventId: request.eventId,
        fingerprint,
        fingerprintVersion,
        recipient: bare
          ? { kind: 'address', endpoint: bareEndpoint(bare) }
          : { kind: 'user', userId: (request.to as { userId: string }).userId },
        category,
        purpose,
        priority: request.priority ?? 'normal',
        ...(published && { template: { name: published.name, version: published.version } }),
        ...(published?.noResend && { noResend: true as const }),
        ...(request.channels && { channels: [...new Set(request.channels)] }),
        ...(request.sendAt !== undefined && { sendAt: utc(request.sendAt) }),
        ...(request.expiresAt !== undefined && { expiresAt: utc(request.expiresAt) }),
      },
      personal: {
        ...(request.data && { data: request.data }),
        ...(bare && { to: bare }),
        ...(request.content && { content: request.content }),
      },
    }
  }

  /** The answer once given under this id, if any; refuses another body. */
  const firstAnswer = async (stream: string, fingerprint: string) => {
    const first = (await events.read(stream))[0]
    if (!first) return undefined
    if ((first.data as unknown as RequestedData).fingerprint === fingerprint) {
      return { answer: answerOf(first), replayed: true }
    }
    throw new Refusal(
      'event-id/reused',
      'This event id was used for another request; its body differs from the first one.',
      '/eventId',
    )
  }

  return async (app, actor, request, traceparent) => {
    const id = notificationIdOf(app, request.eventId)
    const stream = `notification-${id}`
    const fingerprint = sha256(canonicalJson(request))
    const known = async (error: unknown) => {
      const first = await firstAnswer(stream, fingerprint)
      if (first) return first
      throw error
    }
    let decided: ReturnType<typeof decide>
    try {
      const fact = await requestedFact(app, request, fingerprint)
      decided = decide(undefined, { do: 'request', ...fact })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return await known(error)
    }
    const context = { app, actor, correlationId: id, ...(traceparent && { traceparent }) }
    const recorded = recorder.record(decided, context)
    crashPoints.reach('before-append')
    try {
      await events.append(stream, recorded, { expected: 'no-stream' })
    } catch (error) {
      if (error instanceof EventTooLarge)
        return await known(new Refusal('event/too-large', error.message))
      if (!(error instanceof VersionConflict)) throw error
      return await known(error)
    }
    crashPoints.reach('appended-not-answered')
    const event = { ...recorded[0]!, stream, revision: 0, position: '' }
    return { answer: answerOf(event), replayed: false }
  }
}

const utc = (text: string): string => new Date(text).toISOString()
