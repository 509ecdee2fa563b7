import { type ApiCode, ApiProblem } from './problems.ts'

export const depthMax = 32

interface Flaw {
  readonly code: ApiCode
  readonly detail: string
  readonly pointer: string
}

const flaw = (code: ApiCode, detail: string): Flaw => ({ code, detail, pointer: '' })

/** RFC 6901, section 4. */
export const pointerStep = (key: string): string =>
  `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`

const under = (key: string, found: Flaw): Flaw => ({
  ...found,
  pointer: pointerStep(key.toWellFormed()) + found.pointer,
})

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** Keys with which careless code reaches what all objects share. */
const isForbidden = (key: string, value: unknown): boolean =>
  key === '__proto__' ||
  (key === 'constructor' && isObject(value) && Object.hasOwn(value, 'prototype'))

const lone = (): Flaw =>
  flaw('request/lone-surrogate', 'Half a surrogate pair is no text; nothing else is its equal.')

const flawOfObject = (value: object, depth: number, escapes: boolean): Flaw | undefined => {
  if (depth > depthMax) {
    return flaw('request/too-deep', `Objects and lists may be nested ${depthMax} deep.`)
  }
  for (const key in value) {
    const inner = (value as Record<string, unknown>)[key]
    if (isForbidden(key, inner))
      return under(key, flaw('request/forbidden-key', 'This key is never taken.'))
    if (escapes && !key.isWellFormed()) return under(key, lone())
    const found = flawOf(inner, depth + 1, escapes)
    if (found) return under(key, found)
  }
  return undefined
}

/** What would not come out of the log as it went in, or does harm. Costs about 0.5 µs for a request. */
const flawOf = (value: unknown, depth: number, escapes: boolean): Flaw | undefined => {
  switch (typeof value) {
    case 'string':
      return escapes && !value.isWellFormed() ? lone() : undefined
    case 'number':
      // 2^53 itself is what 2^53 + 1 is read as. 1e400 is read as Infinity.
      if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return undefined
      return flaw('request/number-too-large', 'Numbers go up to 2^53 − 1; write it as a text.')
    case 'object':
      return value === null ? undefined : flawOfObject(value, depth, escapes)
    default:
      return undefined
  }
}

const notJson = (error: unknown): ApiProblem => {
  // The message itself quotes the body.
  const place = /at position (\d+)/.exec(String(error))?.[1]
  const where = place === undefined ? '' : ` at character ${Number(place) + 1}`
  return new ApiProblem('request/not-json', `The body is not JSON${where}.`, { pointer: '' })
}

/** What a text means, once it is certain that it can be kept and compared. Throws `ApiProblem`. */
export const parseJsonText = (text: string): unknown => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw notJson(error)
  }
  // Well-formed UTF-8 has no lone surrogates; only an escape can bring one.
  const found = flawOf(value, 1, text.includes('\\u'))
  if (!found) return value
  throw new ApiProblem(found.code, found.detail, { pointer: found.pointer })
}
