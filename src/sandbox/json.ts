export type JsonObject = Record<string, unknown>

/** The value if it is an object; an empty one if not. So that no odd request can break a provider. */
export const objectIn = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}

export const textIn = (value: unknown): string => (typeof value === 'string' ? value : '')

export const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** Undefined if the body is not a JSON object. */
export const parseObject = (body: Buffer | undefined): JsonObject | undefined => {
  if (body === undefined) return undefined
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as JsonObject)
      : undefined
  } catch {
    return undefined
  }
}

/** What a person reads, part by part. */
export const joinTexts = (...parts: unknown[]): string =>
  parts.filter((part) => typeof part === 'string').join('\n')
