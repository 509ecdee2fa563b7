import { ErrorCode, NatsError } from 'nats'
import { StartRefused, Unavailable } from '#ports/errors.ts'

/** Codes of the server's own table of errors. */
export const streamNotFound = 10059
export const consumerNotStored = 10012
export const nameInUse = 10058
/** Fewer servers are there than copies are asked for. */
export const noPeers = 10005
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

/** A stream that cannot be made at the start; says what to do. */
export const refusalOfStream = (error: unknown, of: string, shown: string): StartRefused => {
  const { code } = unavailable(error)
  const options = { cause: error }
  if (code === 'queue/no-jetstream')
    return new StartRefused(
      code,
      `NATS at ${shown} runs without JetStream, or the account has none. Start it with a "jetstream" block; deploy/nats has one.`,
      options,
    )
  if (code === 'queue/no-storage')
    return new StartRefused(
      code,
      `NATS at ${shown} has no storage left for the stream of ${of}. Give JetStream more, or its account a higher limit.`,
      options,
    )
  const why = error instanceof Error ? error.message : 'no reason given'
  return new StartRefused(
    'queue/no-stream',
    `The stream of ${of} cannot be made on NATS at ${shown}: ${why}. Check the account's permissions, and that not more copies are asked for than there are servers.`,
    options,
  )
}
