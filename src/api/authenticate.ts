import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Scope } from '#domain/app/app.ts'
import type { Apps, Caller } from '#handlers/apps.ts'
import { ApiProblem } from './problems.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set before any route of /v1 but the callbacks. */
    caller: Caller
  }
  interface FastifyContextConfig {
    /** What a key has to be allowed for this route. */
    scope?: Scope
    /** For the OpenAPI document: a body that no validator reads. */
    documented?: { readonly consumes: readonly string[]; readonly body: object }
  }
}

const bearer = /^Bearer ([\x21-\x7e]{1,200})$/i

/** The key of a request; whatever is no key is looked up all the same, so that it takes the same time. */
export const keyOf = (request: FastifyRequest): string =>
  bearer.exec(request.headers.authorization ?? '')?.[1] ?? ''

export const refusedKey = (): ApiProblem =>
  new ApiProblem('auth/key-invalid', 'Send a valid key: `Authorization: Bearer pbl_…`.', {
    headers: { 'www-authenticate': 'Bearer' },
  })

export const actorOf = ({ keyId }: Caller): string => `key:${keyId}`

/** The app comes from the key, and from nothing else. */
export const createAuthenticate =
  (apps: Apps) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.header('cache-control', 'no-store')
    const caller = await apps.authenticate(keyOf(request))
    if (!caller) throw refusedKey()
    const { scope } = request.routeOptions.config
    if (scope !== undefined && !caller.scopes.includes(scope)) {
      throw new ApiProblem('auth/scope-missing', `The key lacks the scope \`${scope}\`.`)
    }
    request.caller = caller
  }

/** Whether personal data are asked for, by somebody who may see them. */
export const seesPersonal = (request: FastifyRequest): boolean => {
  if ((request.query as { personal?: string }).personal !== '1') return false
  if (request.caller.scopes.includes('operate')) return true
  throw new ApiProblem('auth/scope-missing', 'Personal data take a key with the scope `operate`.')
}
