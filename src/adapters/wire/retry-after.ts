const afterMsMax = 86_400_000

const capped = (ms: number): number => Math.min(Math.max(0, Math.ceil(ms)), afterMsMax)

const first = (value: string | string[] | undefined): string | undefined =>
  (Array.isArray(value) ? value[0] : value)?.trim()

/** RFC 9110, 10.2.3: seconds or a date. At most a day is believed. */
export const parseRetryAfter = (
  value: string | string[] | undefined,
  now: number,
): number | undefined => {
  const text = first(value)
  if (text === undefined || text === '') return undefined
  if (/^\d+$/.test(text)) return capped(Number(text) * 1_000)
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : capped(at - now)
}

/** `x-ratelimit-reset`: when the window ends, in seconds since the epoch. */
export const parseResetAt = (
  value: string | string[] | undefined,
  now: number,
): number | undefined => {
  const text = first(value)
  return text !== undefined && /^\d+$/.test(text) ? capped(Number(text) * 1_000 - now) : undefined
}
