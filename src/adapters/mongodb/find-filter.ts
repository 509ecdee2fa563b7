import type { Filter } from 'mongodb'
import type { CollectionDeclaration, Find } from '#ports/document-store.ts'
import { asKey, placeOf, type Stored } from './stored-document.ts'

type Bound = Readonly<Record<string, unknown>>

/**
 * MongoDB compares a number with numbers only; in the port texts follow all numbers. So what lies beyond a
 * number upwards, or beyond a text downwards, is said as what does *not* lie on its other side.
 */
const above = (value: string | number, inclusive: boolean): Bound => {
  if (typeof value === 'string') return { [inclusive ? '$gte' : '$gt']: value }
  return { $not: { [inclusive ? '$lt' : '$lte']: value } }
}
const below = (value: string | number, inclusive: boolean): Bound => {
  if (typeof value === 'number') return { [inclusive ? '$lte' : '$lt']: value }
  return { $not: { [inclusive ? '$gt' : '$gte']: value } }
}

/** What is asked of the server, in turn, until a page is full. Each is one stretch of the index. */
export const stretchesOf = (query: Find): readonly Filter<Stored>[] => {
  const { where, range, order, after } = query
  const place = placeOf(order.field)
  const ascending = order.direction === 'ascending'
  const equal = Object.entries(where).map(([field, value]) => ({ [placeOf(field)]: asKey(value) }))
  // Also what lets a partial index serve: it lacks documents without this field.
  const within: Bound[] = [{ $exists: true }]
  if (range?.from !== undefined) within.push(above(range.from, true))
  if (range?.to !== undefined) within.push(below(range.to, true))
  const stretch = (...more: readonly Bound[]) => [
    ...equal,
    ...[...within, ...more].map((bound) => ({ [place]: bound })),
  ]
  const all = (terms: readonly object[]): Filter<Stored> => ({ $and: terms }) as Filter<Stored>
  if (after === undefined) return [all(stretch())]
  // One `$or` of both would leave it to the planner whether it walks over all ties at every page.
  const beyond = ascending ? above(after.value, false) : below(after.value, false)
  return [
    all([...stretch({ $eq: after.value }), { _id: { [ascending ? '$gt' : '$lt']: after.id } }]),
    all(stretch(beyond)),
  ]
}

/** What has expired at a time; `undefined`: nothing of this collection ever does. */
export const expiredFilter = (
  { expires }: CollectionDeclaration,
  now: number,
): Filter<Stored> | undefined =>
  expires && ({ [placeOf(expires.field)]: { $exists: true, $lte: now } } as Filter<Stored>)

/** What a filter finds of that which has not expired. */
export const unexpired = (
  { expires }: CollectionDeclaration,
  filter: Filter<Stored>,
  now: number,
): Filter<Stored> =>
  expires
    ? ({ $and: [filter, { [placeOf(expires.field)]: { $not: { $lte: now } } }] } as Filter<Stored>)
    : filter

/** The order of a query; ties by id. */
export const sortOf = ({ order }: Pick<Find, 'order'>): Readonly<Record<string, 1 | -1>> => {
  const direction = order.direction === 'ascending' ? 1 : -1
  return { [placeOf(order.field)]: direction, _id: direction }
}
