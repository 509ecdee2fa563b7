/**
 * Whether reading `value` back from its JSON text would give an equal value: no `undefined`, dates,
 * class instances, holes, NaN or -0. Far cheaper than the reading.
 */
export const isPlainJson = (value: unknown): boolean => {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
    case 'object':
      break
    default:
      return false
  }
  if (value === null) return true
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) if (!isPlainJson(value[at])) return false
    return true
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  const object = value as Record<string, unknown>
  for (const key of Object.keys(object)) if (!isPlainJson(object[key])) return false
  return true
}

/** `value` as reading `text`, its JSON, would give it. */
export const asRead = <T>(value: T, text: string): T =>
  isPlainJson(value) ? value : (JSON.parse(text) as T)
