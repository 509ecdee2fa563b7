import { canonicalJson } from '#domain/canonical-json.ts'
import { sha256, uuidOf } from '#domain/identity.ts'
import type { RequestedPersonal } from '#domain/notification/events.ts'
import type { Delivery, Notification } from '#domain/notification/state.ts'
import { type Template, templateVersion } from '#domain/template/template.ts'
import type { Address, Message, RenderedContent } from '#ports/channel.ts'
import type { KeyHash } from '#ports/key-hash.ts'
import type { Rendered, Renderer } from '#ports/renderer.ts'
import type { Aggregates } from './aggregates.ts'

/** Makes what is sent, the same for every attempt of a delivery. */
export interface Messages {
  render(
    notification: Notification,
    personal: RequestedPersonal,
    delivery: Delivery,
  ): Promise<Rendered>
  compose(about: {
    readonly notificationId: string
    readonly notification: Notification
    readonly delivery: Delivery
    readonly attempt: number
    readonly to: Address
    readonly content: RenderedContent
  }): Message
}

export const contentHashOf = (content: RenderedContent): string => sha256(canonicalJson(content))

const referenceLength = 22

/** `notification.delivery.attempt.signature`: what providers echo in their receipts. */
export const createReferences = (keyHash: KeyHash) => {
  const signature = (text: string) => keyHash.digest('reference', text).slice(0, referenceLength)
  return {
    of(notificationId: string, deliveryId: string, attempt: number): string {
      const text = `${notificationId}.${deliveryId}.${attempt}`
      return `${text}.${signature(text)}`
    },
    /** `undefined`: not made here. */
    read(ref: string) {
      const match = /^([0-9a-f-]{36})\.(d\d{1,4})\.(\d{1,6})\.([\w-]{22})$/.exec(ref)
      if (!match) return undefined
      const [, notificationId, deliveryId, attempt, given] = match
      if (signature(`${notificationId}.${deliveryId}.${attempt}`) !== given) return undefined
      return { notificationId: notificationId!, deliveryId: deliveryId!, attempt: Number(attempt) }
    },
  }
}

/** Literal content is shown as it is. */
const literal = (personal: RequestedPersonal): Rendered => {
  const { title, body, subject, html } = personal.content ?? {}
  const content = {
    body: body ?? '',
    ...(title !== undefined && { title }),
    ...(subject !== undefined && { subject }),
    ...(html !== undefined && { html }),
  }
  return { ok: true, content }
}

export const createMessages = (needs: {
  readonly aggregates: Aggregates
  readonly renderer: Renderer
  readonly keyHash: KeyHash
}): Messages => {
  const { aggregates, renderer, keyHash } = needs
  const references = createReferences(keyHash)

  return {
    async render(notification, personal, delivery) {
      const { app, template } = notification
      if (!template) return literal(personal)
      const stream = aggregates.streamOf.template(app, template.name)
      const { name, version } = template
      const isThere = ({ versions }: Template): boolean => versions.length >= version
      const { state } = await aggregates.templates.knowing(stream, isThere)
      const published = templateVersion(state, name, version)
      const locale = notification.locale ?? published.defaultLocale
      const { channel } = delivery
      const { contents, defaultLocale } = published
      // A locale may have texts for some channels only.
      const source = contents[locale]?.[channel] ?? contents[defaultLocale]?.[channel]
      if (!source) {
        const message = `There is no text for ${channel} in ${locale}.`
        return { ok: false, code: 'template/no-content', message }
      }
      // Apps never share compiled templates: the hash of another app's text is another key.
      const sourceHash = `${app}/${published.contentHash}/${locale}/${channel}`
      return renderer.render({ sourceHash, source, data: personal.data ?? {}, locale })
    },

    compose({ notificationId, notification, delivery, attempt, to, content }) {
      const { app, expiresAt, priority } = notification
      return {
        channel: delivery.channel,
        app,
        to,
        content,
        priority,
        collapseId: notificationId,
        deliveryUuid: uuidOf('delivery', notificationId, delivery.deliveryId),
        ref: references.of(notificationId, delivery.deliveryId, attempt),
        ...(expiresAt !== undefined && { expiresAt }),
      }
    },
  }
}
