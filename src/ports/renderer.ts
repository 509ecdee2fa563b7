import type { RenderedContent } from './channel.ts'

/** Source texts of one channel in one locale; Handlebars `{{name}}`. */
export type TemplateSource = {
  readonly title?: string
  readonly body?: string
  readonly subject?: string
  readonly html?: string
}

export interface TemplateProblem {
  /** For instance `template/too-large`, `template/forbidden-construct`. */
  readonly code: string
  readonly message: string
  /** Which of the source's fields. */
  readonly field: keyof TemplateSource
}

export type Checked =
  /** `required`: dotted paths of `data` that must be there, in order of appearance. */
  | { readonly ok: true; readonly required: readonly string[] }
  | { readonly ok: false; readonly problems: readonly TemplateProblem[] }

export interface RenderRequest {
  /** Hash of the source: compiled templates are kept under it. */
  readonly sourceHash: string
  readonly source: TemplateSource
  readonly data: Readonly<Record<string, unknown>>
  readonly locale: string
  /** E-mail html is escaped; all other fields are plain text: control and bidi characters are removed. */
}

export type Rendered =
  | { readonly ok: true; readonly content: RenderedContent }
  /** `template/failed`, `template/too-slow`, `template/output-too-large`. */
  | { readonly ok: false; readonly code: string; readonly message: string }

/** Rendering is a pure function of source, data and locale, and cannot harm the process. */
export interface Renderer {
  check(source: TemplateSource): Promise<Checked>
  render(request: RenderRequest): Promise<Rendered>
}

export type DisposableRenderer = Renderer & AsyncDisposable
