import { Compile } from 'typebox/compile'
import { describe, expect, test } from 'vitest'
import { openApi, request } from '../support/api.ts'

interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly security?: readonly Record<string, readonly string[]>[]
  readonly parameters?: readonly {
    readonly in: string
    readonly name: string
    readonly required?: boolean
    readonly schema: object
  }[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> }
  readonly responses: Record<
    string,
    {
      readonly description?: string
      readonly content?: Record<string, { readonly schema: object }>
    }
  >
}
interface Document {
  readonly openapi: string
  readonly info: Record<string, unknown>
  readonly components: { readonly securitySchemes: Record<string, unknown> }
  readonly paths: Record<string, Record<string, Operation>>
}

const read = async () => {
  await using api = await openApi()
  const answer = await api.server.inject('/openapi.json')
  expect(answer.headers['content-type']).toContain('application/json')
  return answer.json() as Document
}
const operationsOf = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
const schemasOf = ({ parameters = [], requestBody, responses }: Operation): readonly object[] => [
  ...parameters.map((each) => each.schema),
  ...Object.values(requestBody?.content ?? {}).map((each) => each.schema),
  ...Object.values(responses).flatMap(({ content = {} }) =>
    Object.values(content).map((each) => each.schema),
  ),
]

/** JSON Schema 2020-12 types; nothing of TypeBox's own may be left. */
const types = new Set(['object', 'array', 'string', 'integer', 'number', 'boolean', 'null'])
const oddTypes = (value: unknown): readonly unknown[] => {
  if (typeof value !== 'object' || value === null) return []
  const { type } = value as { type?: unknown }
  const own = typeof type === 'string' && !types.has(type) ? [type] : []
  return [...own, ...Object.values(value).flatMap(oddTypes)]
}

describe('the OpenAPI document', () => {
  test('is 3.1, with a name, a version and a licence', async () => {
    const document = await read()
    expect(document.openapi).toMatch(/^3\.1\.\d+$/)
    expect(document.info).toMatchObject({ title: 'Pabal', version: '0.0.0-test' })
    expect(document.components.securitySchemes).toHaveProperty('key')
    const known = new Set(['openapi', 'info', 'servers', 'paths', 'components', 'tags'])
    expect(Object.keys(document).filter((each) => !known.has(each))).toEqual([])
  })

  test('has every route', async () => {
    await using api = await openApi()
    const routed: string[] = []
    await api.server.ready()
    const print = api.server.printRoutes({ commonPrefix: false })
    expect(print).toContain('/v1/notifications')
    const document = (await api.server.inject('/openapi.json')).json() as Document
    for (const { path, method } of operationsOf(document)) routed.push(`${method} ${path}`)
    expect(routed.sort()).toEqual(
      [
        'delete /v1/recipients/{userId}/devices/{deviceId}',
        'get /healthz',
        'get /openapi.json',
        'get /readyz',
        'get /v1/events',
        'get /v1/notifications',
        'get /v1/notifications/{id}',
        'get /v1/notifications/{id}/events',
        'get /v1/notifications/{id}/explanation',
        'get /v1/queues',
        'get /v1/recipients/{userId}',
        'get /v1/recipients/{userId}/history',
        'get /v1/templates',
        'get /v1/templates/{name}',
        'post /v1/callbacks/{provider}/{app}',
        'post /v1/notifications',
        'post /v1/notifications/batch',
        'post /v1/notifications/{id}/cancel',
        'post /v1/notifications/{id}/redrive',
        'post /v1/suppressions',
        'post /v1/suppressions/release',
        'post /v1/templates/{name}/preview',
        'put /v1/recipients/{userId}',
        'put /v1/recipients/{userId}/devices/{deviceId}',
        'put /v1/recipients/{userId}/preferences',
        'put /v1/templates/{name}',
      ].sort(),
    )
    // Every line of the tree that has methods is one of them.
    const methods = [...print.matchAll(/\(([A-Z, ]+)\)/g)].flatMap(([, each]) => each!.split(', '))
    expect(methods.filter((each) => each !== 'HEAD').length).toBe(routed.length)
  })

  test('describes each operation once, with all that one has to know', async () => {
    const operations = operationsOf(await read())
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { path, operation } of operations) {
      expect(operation).toMatchObject({
        operationId: expect.stringMatching(/^[a-z][A-Za-z]+$/),
        summary: expect.stringMatching(/./),
        tags: [expect.any(String)],
      })
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((each) => each[1])
      const declared = (operation.parameters ?? []).filter((each) => each.in === 'path')
      expect(declared.map((each) => each.name)).toEqual(inPath)
      expect(declared.every((each) => each.required)).toBe(true)
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(status).toMatch(/^(\d{3}|default)$/)
        expect(response.description).toEqual(expect.any(String))
      }
    }
  })

  test('has only schemas that are JSON Schema and compile', async () => {
    for (const { operation } of operationsOf(await read())) {
      for (const schema of schemasOf(operation)) {
        expect(oddTypes(schema)).toEqual([])
        Compile(schema as never)
      }
    }
  })

  test('says of bodies and answers what they are', async () => {
    const { paths } = await read()
    const post = paths['/v1/notifications']!.post!
    const body = Compile(post.requestBody!.content['application/json']!.schema as never)
    expect(body.Check(request())).toBe(true)
    expect(body.Check(request({ app: 'x' }))).toBe(false)
    await using api = await openApi()
    const { id } = (await api.ask('POST', '/v1/notifications', request())).json()
    await api.route(id)
    await api.dispatch(id)
    const checks = [
      ['/v1/notifications/{id}', `/v1/notifications/${id}`],
      ['/v1/notifications/{id}/events', `/v1/notifications/${id}/events`],
      ['/v1/notifications/{id}/explanation', `/v1/notifications/${id}/explanation`],
      ['/v1/queues', '/v1/queues'],
      ['/v1/notifications', '/v1/notifications'],
    ]
    for (const [path, url] of checks) {
      const { schema } = paths[path!]!.get!.responses['200']!.content!['application/json']!
      const answer = (await api.ask('GET', url!)).json()
      expect(Compile(schema as never).Errors(answer)).toEqual([])
    }
    const batch = paths['/v1/notifications/batch']!.post!
    expect(Object.keys(batch.requestBody!.content)).toContain('application/x-ndjson')
  })
})
