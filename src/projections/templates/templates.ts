import { evolveTemplate, templateChannels } from '#domain/template/template.ts'
import type { Projection } from '../projection.ts'

/** What there is to choose from; the texts stay in the log. */
export type TemplateDocument = {
  readonly app: string
  readonly name: string
  readonly version: number
  readonly publishedAt: string
  readonly defaultLocale: string
  readonly locales: readonly string[]
  readonly channels: readonly string[]
  readonly required: readonly string[]
}

export const templatesProjection: Projection<TemplateDocument> = {
  name: 'templates',
  version: 1,
  indexes: [{ name: 'by_name', fields: ['app', 'name'] }],
  idOf: (event) =>
    event.stream.startsWith('template-') ? event.stream.slice('template-'.length) : undefined,
  evolve(_body, event) {
    const published = evolveTemplate(undefined, event).versions.at(-1)!
    const { app, name, version, defaultLocale, contents, required } = published
    return {
      app,
      name,
      version,
      publishedAt: event.metadata.at,
      defaultLocale,
      locales: Object.keys(contents),
      channels: templateChannels(published),
      required,
    }
  },
}
