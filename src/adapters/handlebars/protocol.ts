import type { TemplateSource } from '#ports/renderer.ts'

/**
 * What goes to a worker and back: one flat array a batch, because cloning an array of strings costs a
 * fraction of cloning objects. A request is `REQUEST_WIDTH` cells, a reply `REPLY_WIDTH`.
 */
export type Cell = string | number | TemplateSource | undefined

/** Number, slot (`CHECK`: check, do not render), source if the slot does not hold it yet, locale, data as JSON. */
export const REQUEST_WIDTH = 5
/** Number, code ('' = rendered, `CHECKED`), then title, body, subject, html; or message; or checked as JSON. */
export const REPLY_WIDTH = 6

export const CHECK = -1
export const CHECKED = 'checked'
/** In place of a request's number: the slot's template is not needed any more. */
export const FORGET = 0

/** A message is sent off when it has become so long: a worker's heap must hold it whole, several times. */
export const MESSAGE_CHARS = 512 * 1024

export const READY = 'ready'

export interface WorkerSettings {
  /** One Int32: the number of the request that is being worked on, 0 when none is. */
  readonly heartbeat: SharedArrayBuffer
  readonly outputMaxBytes: number
}

export const FIELDS = ['title', 'body', 'subject', 'html'] as const
export type Field = (typeof FIELDS)[number]

type Loose = { readonly [F in Field]?: string | undefined }

/** Copies what is there and nothing else: an unknown field could hold what cannot be posted. */
export const onlyFields = ({ title, body, subject, html }: Loose): TemplateSource => ({
  ...(title !== undefined && { title }),
  ...(body !== undefined && { body }),
  ...(subject !== undefined && { subject }),
  ...(html !== undefined && { html }),
})
