import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Refusal } from '#domain/recorded-fact.ts'
import type { ApiNeeds } from '../needs.ts'
import { ApiProblem } from '../problems.ts'
import type { RateLimits } from '../rate-limits.ts'

/** An instance whose routes get their types from their schemas. */
export const typed = (app: FastifyInstance) => app.withTypeProvider<TypeBoxTypeProvider>()

/** What routes are made with. */
export interface Routing extends ApiNeeds {
  readonly rateLimits: RateLimits
  /** Fires when the service stops: streams end. */
  readonly stopping: AbortSignal
}

export const bearerAuth = [{ key: [] }]

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const unknownNotification = (): ApiProblem =>
  new ApiProblem('notification/not-found', 'Nothing was requested under this id.')

/** An id that can be one; any other text is as unknown as an id nobody has. */
export const notificationId = (id: string): string => {
  if (uuid.test(id)) return id
  throw unknownNotification()
}

/** What a body may name and be wrong about is 422; what a path names and is not there is 404. */
export const inPath = async <T>(call: Promise<T>): Promise<T> => {
  try {
    return await call
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    if (error.code !== 'template/not-found' && error.code !== 'template/version-not-found') {
      throw error
    }
    throw new ApiProblem(error.code, error.message, { status: 404 })
  }
}
