/**
 * RFC 8785 (JCS): the one way to write a JSON value, so that equal bodies have equal fingerprints. Takes
 * only what JSON.parse gives; strings must be well formed, which the API checks before.
 */
export const canonicalJson = (value: unknown): string => {
  if (value === null || typeof value !== 'object') {
    // ECMAScript's own number and string forms are the ones the RFC prescribes (sections 3.2.2.2, 3.2.2.3).
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const object = value as Record<string, unknown>
  let text = ''
  // Array.prototype.sort compares UTF-16 code units, as section 3.2.3 asks.
  for (const key of Object.keys(object).sort()) {
    if (object[key] === undefined) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(object[key])}`
  }
  return `{${text}}`
}
