import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { TemplateContents } from '#domain/template/template.ts'
import type { Projection } from '#projections/projection.ts'
import { type TemplateDocument, templatesProjection } from '#projections/templates/templates.ts'
import { actorOf } from '../authenticate.ts'
import { cursorOf, placeOf } from '../cursor.ts'
import { answers, pageOf } from '../schemas/answers.ts'
import * as field from '../schemas/fields.ts'
import { bearerAuth, inPath, type Routing, typed } from './api.ts'

const { closed } = field
const optional = Type.Optional
const text = Type.String({ maxLength: 65_536 })
const source = closed(
  { title: optional(text), body: optional(text), subject: optional(text), html: optional(text) },
  { minProperties: 1 },
)
const contents = Type.Record(
  Type.String({ pattern: field.localePattern }),
  closed(
    { push: optional(source), sms: optional(source), email: optional(source) },
    { minProperties: 1 },
  ),
  { additionalProperties: false, minProperties: 1, maxProperties: 100 },
)
const publishBody = closed({
  defaultLocale: field.locale,
  contents,
  noResend: optional(
    Type.Boolean({
      description: 'What may have been sent is not sent again, but ends as unknown.',
    }),
  ),
})
const previewBody = closed({
  version: optional(field.version),
  locale: optional(field.locale),
  data: optional(field.anyObject('What the template is filled with.')),
})
const params = Type.Object({ name: field.templateName })
const listQuery = closed({
  limit: optional(Type.Integer({ minimum: 1, maximum: 200 })),
  cursor: optional(Type.String({ maxLength: 1_000 })),
})

const published = Type.Object({
  name: Type.String(),
  version: Type.Integer(),
  required: Type.Array(Type.String(), { description: 'Paths of `data` that have to be there.' }),
  changed: Type.Boolean(),
})
const listed = Type.Object({
  name: Type.String(),
  version: Type.Integer(),
  publishedAt: Type.String({ format: 'date-time' }),
  defaultLocale: Type.String(),
  locales: Type.Array(Type.String()),
  channels: Type.Array(Type.String()),
  required: Type.Array(Type.String()),
})
const whole = Type.Object({
  name: Type.String(),
  version: Type.Integer(),
  contentHash: Type.String(),
  defaultLocale: Type.String(),
  contents: Type.Object({}),
  required: Type.Array(Type.String()),
  noResend: optional(Type.Boolean()),
})
const preview = Type.Object({
  version: Type.Integer(),
  locale: Type.String(),
  missing: optional(Type.String({ description: 'The first path of `data` that is not there.' })),
  channels: Type.Object({}),
})

const about = (operationId: string, summary: string) => ({
  operationId,
  summary,
  tags: ['templates'],
  security: bearerAuth,
})
const config = { scope: 'templates' } as const

/** The newest version of each template of an app, by name. */
const listTemplates = async (
  { documents, readModels }: Routing,
  app: string,
  { limit = 50, cursor }: Static<typeof listQuery>,
) => {
  const collection = await readModels.active(templatesProjection as unknown as Projection)
  const filter = { templates: app }
  const after = cursor === undefined ? undefined : placeOf(filter, cursor, 'string')
  const found = await documents.find(collection, {
    where: { app },
    order: { field: 'name', direction: 'ascending' },
    ...(after && { after }),
    limit,
  })
  const last = found.length === limit ? found.at(-1) : undefined
  const next =
    last && cursorOf(filter, { value: (last.body as TemplateDocument).name, id: last.id })
  const items = found.map(({ body }) => {
    const { app: _app, ...item } = body as TemplateDocument
    return item
  })
  return { items, ...(next !== undefined && { cursor: next }) }
}

const readRoutes = (app: FastifyInstance, needs: Routing): void => {
  const { templates } = needs
  typed(app).get(
    '/v1/templates',
    {
      config,
      schema: {
        ...about('listTemplates', 'The newest version of each template, by name'),
        querystring: listQuery,
        response: answers({ 200: { is: pageOf(listed), says: 'A page.' } }),
      },
    },
    async ({ caller, query }) => listTemplates(needs, caller.app, query),
  )
  typed(app).get(
    '/v1/templates/:name',
    {
      config,
      schema: {
        ...about('readTemplate', 'One version, by default the newest, with all its texts'),
        params,
        querystring: closed({ version: optional(field.version) }),
        response: answers({ 200: { is: whole, says: 'The version.' } }),
      },
    },
    async ({ caller, params: { name }, query: { version } }) => {
      const found = await inPath(templates.load(caller.app, name, version))
      const { app: _app, ...template } = found
      return template
    },
  )
}

/** Texts with places to fill in; versions never change. */
export const templateRoutes = (app: FastifyInstance, needs: Routing): void => {
  const { templates } = needs
  readRoutes(app, needs)
  typed(app).put(
    '/v1/templates/:name',
    {
      config,
      schema: {
        ...about('putTemplate', 'Publish a version; the same content is the same version'),
        params,
        body: publishBody,
        response: answers({ 200: { is: published, says: 'The version that holds now.' } }),
      },
    },
    async ({ caller, params: { name }, body }) => {
      const { defaultLocale, noResend = false } = body
      const draft = { defaultLocale, contents: body.contents as TemplateContents, noResend }
      return { name, ...(await templates.publish(caller.app, name, draft, actorOf(caller))) }
    },
  )
  typed(app).post(
    '/v1/templates/:name/preview',
    {
      config,
      schema: {
        ...about('previewTemplate', 'What would be shown; nothing is sent or recorded'),
        params,
        body: previewBody,
        response: answers({ 200: { is: preview, says: 'What each channel would show.' } }),
      },
    },
    async ({ caller, params: { name }, body: { version, locale, data = {} } }) =>
      inPath(
        templates.preview(caller.app, name, {
          data,
          ...(version !== undefined && { version }),
          ...(locale !== undefined && { locale }),
        }),
      ),
  )
}
