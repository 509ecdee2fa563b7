import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ApiProblem } from './problems.ts'

/** The methods of a path that has routes, for 405; Fastify itself answers 404 for all of them. */
export const createNotFound = (app: FastifyInstance) => {
  const patterns: { readonly segments: readonly string[]; readonly methods: Set<string> }[] = []

  app.addHook('onRoute', ({ url, method }) => {
    const segments = url.split('/')
    const known = patterns.find((each) => each.segments.join('/') === url)
    const { methods } = known ?? { methods: new Set<string>() }
    if (!known) patterns.push({ segments, methods })
    for (const each of [method].flat()) methods.add(each)
  })

  const methodsOf = (path: string): readonly string[] => {
    const asked = path.split('/')
    const found = patterns.filter(
      ({ segments }) =>
        segments.length === asked.length &&
        segments.every((segment, at) => segment.startsWith(':') || segment === asked[at]),
    )
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort()
  }

  return (request: FastifyRequest, _reply: FastifyReply): never => {
    const methods = methodsOf(request.url.split('?')[0]!)
    if (methods.length === 0) {
      throw new ApiProblem('request/not-found', 'There is nothing at this path.')
    }
    throw new ApiProblem('request/method-not-allowed', `Allowed here: ${methods.join(', ')}.`, {
      headers: { allow: methods.join(', ') },
    })
  }
}
