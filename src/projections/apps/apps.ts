import { type ApiKey, evolveApp } from '#domain/app/app.ts'
import type { Projection } from '../projection.ts'

export type AppDocument = {
  readonly app: string
  readonly revision: number
  readonly keys: readonly ApiKey[]
}

/** The apps and their keys, for lists; a request's key is checked against the stream itself. */
export const appsProjection: Projection<AppDocument> = {
  name: 'apps',
  version: 1,
  indexes: [{ name: 'by_name', fields: ['app'] }],
  fromFirst: true,
  idOf: (event) =>
    event.stream.startsWith('app-') ? event.stream.slice('app-'.length) : undefined,
  evolve: (body, event) => ({ ...evolveApp(body, event) }),
}
