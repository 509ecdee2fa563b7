import { ErrorCode, NatsError } from 'nats'
import { Unavailable } from '#ports/errors.ts'

/** Codes of the server's own table of errors. */
export const streamNotFound = 10059
export const consumerNotFound = 10014
export const nameInUse = 10058
const notEnabled: ReadonlySet<number> = new Set([10076, 10039])
const noStorage: ReadonlySet<number> = new Set([10023, 10028, 10047, 10002])

const codeOf = (error: unknown): number | undefined =>
  error instanceof NatsError ? error.api_error?.err_code : undefined

export const isApiError = (error: unknown, code: number): boolean => codeOf(error) === code

/** Nobody answers its requests, or it says so itself. */
export const isWithoutJetStream = (error: unknown): boolean =>
  notEnabled.has(codeOf(error) ?? 0) ||
  (error instanceof NatsError &&
    (error.code === ErrorCode.NoResponders || error.code === ErrorCode.JetStreamNotEnabled))

export const isOutOfStorage = (error: unknown): boolean => noStorage.has(codeOf(error) ?? 0)

/** What a request to JetStream met, as the ports know it. Never the driver's error itself. */
export const unavailable = (error: unknown): Unavailable => {
  if (error instanceof Unavailable) return error
  const options = { cause: error }
  if (isWithoutJetStream(error))
    return new Unavailable(
      'queue/no-jetstream',
      'NATS answers, but nobody there serves JetStream.',
      options,
    )
  if (isOutOfStorage(error))
    return new Unavailable('queue/no-storage', 'NATS has no storage left for this.', options)
  return new Unavailable('queue/no-answer', 'NATS did not answer as it should.', options)
}
