import type { Channel, Content, Lane } from '#domain/notification/events.ts'
import { type Action, next } from '#domain/notification/next.ts'
import {
  bareCandidate,
  type Candidate,
  candidatesOf,
  contentChannels,
  planDeliveries,
} from '#domain/notification/plan.ts'
import type { Notification } from '#domain/notification/state.ts'
import {
  chooseLocale,
  type Template,
  templateChannels,
  templateVersion,
} from '#domain/template/template.ts'
import type { Clock } from '#ports/clock.ts'
import { VersionConflict } from '#ports/errors.ts'
import type { WorkItem } from '#ports/work-queue.ts'
import type { Aggregates } from './aggregates.ts'
import { type Loaded, type Notifications, personalOf, stepsMax } from './notifications.ts'

const actor = 'system:router'
const lane: Lane = 'route'

/** Decides to whom a notification goes; once, as what is true then. */
export const createRouter = (needs: {
  readonly notifications: Notifications
  readonly aggregates: Aggregates
  readonly clock: Clock
}): ((item: WorkItem) => Promise<void>) => {
  const { notifications, aggregates, clock } = needs
  const { streamOf } = aggregates

  /** Which of the addresses must not be used, and why. */
  const suppressedAmong = async (app: string, candidates: readonly Candidate[]) => {
    const suppressed = new Map<string, string>()
    for (const { address } of candidates) {
      const { state } = await aggregates.addresses.load(streamOf.address(app, address))
      if (state?.suppressed) suppressed.set(address, state.suppressed.cause)
    }
    return suppressed
  }

  const contentOf = async (state: Notification, content: Content, localeAsked?: string) => {
    const { app, template } = state
    if (!template) return { available: contentChannels(content), locale: localeAsked ?? '' }
    const stream = streamOf.template(app, template.name)
    const { name, version } = template
    const isThere = ({ versions }: Template): boolean => versions.length >= version
    const { state: published } = await aggregates.templates.knowing(stream, isThere)
    const pinned = templateVersion(published, name, version)
    const available: readonly Channel[] = templateChannels(pinned)
    return { available, locale: chooseLocale(pinned, localeAsked) }
  }

  const route = async (loaded: Loaded, state: Notification): Promise<Loaded> => {
    const personal = personalOf(loaded)
    const { recipient: ref, app } = state
    const recipient =
      ref.kind === 'user'
        ? (await aggregates.recipients.load(streamOf.recipient(app, ref.userId))).state
        : undefined
    const candidates = personal.to
      ? [bareCandidate(personal.to)]
      : recipient
        ? candidatesOf(recipient)
        : []
    const asked = recipient?.locale
    const { available, locale } = await contentOf(state, personal.content ?? {}, asked)
    const suppressed = await suppressedAmong(app, candidates)
    const plan = planDeliveries({
      notification: state,
      recipient,
      candidates,
      available,
      suppressed,
    })
    const fallback = asked !== undefined && asked !== locale ? { localeAsked: asked } : {}
    return notifications.change(loaded, [{ do: 'route', ...plan, locale, ...fallback }], actor)
  }

  const act = (loaded: Loaded, state: Notification, action: Action): Promise<Loaded> => {
    if (action.do === 'route') return route(loaded, state)
    const order =
      action.do === 'expire'
        ? ({ do: 'expire', deliveries: [], reason: 'expires-at' } as const)
        : ({ do: 'park', deliveries: [], reason: 'open-too-long' } as const)
    return notifications.change(loaded, [order], actor)
  }

  return async (item) => {
    let loaded = await notifications.load(item.notificationId)
    for (let step = 0; step < stepsMax; step += 1) {
      const action = next(loaded.state, lane, clock.now())[0]
      if (!action || !loaded.state) return
      try {
        loaded = await act(loaded, loaded.state, action)
      } catch (error) {
        if (!(error instanceof VersionConflict)) throw error
        loaded = await notifications.load(item.notificationId)
      }
    }
  }
}
