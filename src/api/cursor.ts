import { canonicalJson } from '#domain/canonical-json.ts'
import { sha256 } from '#domain/identity.ts'
import { ApiProblem } from './problems.ts'

/** Where a page ended: the value it is ordered by, and the document. */
interface Place {
  readonly value: number | string
  readonly id: string
}

const hashOf = (filter: object): string => sha256(canonicalJson(filter)).slice(0, 16)

const refuse = (): ApiProblem =>
  new ApiProblem('request/cursor-invalid', 'Pass the cursor as it was given, with its filter.', {
    pointer: '/cursor',
  })

/** Opaque; it fits only the filter that it was made for. */
export const cursorOf = (filter: object, { value, id }: Place): string =>
  Buffer.from(JSON.stringify([hashOf(filter), value, id])).toString('base64url')

/** Throws for a cursor that was not made for this filter. */
export const placeOf = <V extends 'number' | 'string'>(
  filter: object,
  cursor: string,
  type: V,
): { readonly value: V extends 'number' ? number : string; readonly id: string } => {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    throw refuse()
  }
  if (!Array.isArray(parts) || parts.length !== 3) throw refuse()
  const [hash, value, id] = parts as unknown[]
  if (hash !== hashOf(filter) || typeof value !== type || typeof id !== 'string') throw refuse()
  if (!id.isWellFormed() || !String(value).isWellFormed()) throw refuse()
  return { value: value as V extends 'number' ? number : string, id }
}
