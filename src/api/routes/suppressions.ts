import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { actorOf } from '../authenticate.ts'
import { checkerOf, withRule } from '../check.ts'
import { ApiProblem } from '../problems.ts'
import { answers, changed } from '../schemas/answers.ts'
import * as field from '../schemas/fields.ts'
import { bearerAuth, type Routing, typed } from './api.ts'

const formatOf = { push: field.token, sms: field.phone, email: field.email }

const refuseOddAddress = ({ channel, address }: { channel: string; address: string }): void => {
  const problem = checkerOf(formatOf[channel as keyof typeof formatOf])(address)
  if (problem) throw new ApiProblem(problem.code, problem.message, { pointer: '/address' })
}

/** In the body, not in the path: paths are logged everywhere. */
const body = withRule(
  field.closed({ channel: field.channel, address: Type.String({ minLength: 1, maxLength: 4096 }) }),
  refuseOddAddress,
)

const about = (operationId: string, summary: string) => ({
  operationId,
  summary,
  tags: ['recipients'],
  security: bearerAuth,
  body,
  response: answers({ 200: { is: changed, says: 'It holds for everything sent from now on.' } }),
})
const config = { scope: 'recipients' } as const

/** Addresses that must not be used, whoever has them. */
export const suppressionRoutes = (app: FastifyInstance, { recipients }: Routing): void => {
  typed(app).post(
    '/v1/suppressions',
    { config, schema: about('suppressAddress', 'Send nothing to an address any more') },
    async ({ caller, body: { channel, address } }) => {
      const { app } = caller
      const about = { app, channel, cause: 'requested', evidence: {} } as const
      return recipients.changeAddress(app, address, { do: 'suppress', ...about }, actorOf(caller))
    },
  )
  typed(app).post(
    '/v1/suppressions/release',
    { config, schema: about('releaseAddress', 'Use a suppressed address again') },
    async ({ caller, body: { channel, address } }) => {
      const { app } = caller
      const about = { app, channel, reason: 'requested' }
      return recipients.changeAddress(app, address, { do: 'release', ...about }, actorOf(caller))
    },
  )
}
