import { type DestinationStream, destination, pino } from 'pino'
import type { Log, LogFields } from '#ports/log.ts'

/** An error as a line may show it: its name, code, message and stack; never what a driver hung on to it. */
const plainError = (error: Error): object => ({
  type: error.name,
  message: error.message,
  ...('code' in error && typeof error.code === 'string' && { code: error.code }),
  stack: error.stack,
  ...(error.cause instanceof Error && { cause: plainError(error.cause) }),
})

const plain = (fields: LogFields): object =>
  Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Error ? plainError(value) : value,
    ]),
  )

/** One JSON line per fact, on standard error. */
export const createPinoLog = (
  level: string,
  stream: DestinationStream = destination({ dest: 2, sync: true }),
): Log => {
  const logger = pino(
    { level, base: null, timestamp: () => `,"at":"${new Date().toISOString()}"` },
    stream,
  )
  const line =
    (at: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: LogFields = {}): void => {
      if (logger.isLevelEnabled(at)) logger[at](plain(fields), message)
    }
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}
