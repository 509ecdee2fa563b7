import type { Expression, Path } from './ast.ts'
import { DEPTH_MAX } from './limits.ts'

export type Report = (code: string, message: string) => void

/** Where in a template an expression stands. */
export interface Scope {
  /** Blocks and sub-expressions around it. */
  readonly depth: number
  /** In no block's body: what is read here is read whatever the data say. */
  readonly top: boolean
  /** How often `../` leads to something: bodies of `each` and `with` around it. */
  readonly contexts: number
  /** Bodies of `each` around it: `@index` and the like exist. */
  readonly loops: number
}

export interface Walk {
  readonly report: Report
  /** Counts a node; throws when there are too many. */
  readonly count: () => void
  /** A path that must be there whatever the data say. */
  readonly require: (path: string) => void
}

/** Helpers that give a value, with their number of arguments. */
const valueHelpers: Readonly<Record<string, number>> = { safeUrl: 1, default: 2 }
const LOOP_DATA = new Set(['index', 'key', 'first', 'last'])
/** Only own properties are ever read; refusing the names too tells the author, and holds if that fails. */
const UNSAFE_NAME = /^(?:__.*__|constructor)$/

export const isValueHelper = (name: string): boolean => Object.hasOwn(valueHelpers, name)

/** The name that Handlebars would look for among its helpers: `x`, but not `this.x`, `../x`, `a.x`, `@x`. */
export const helperName = (path: Expression): string | undefined =>
  path.type === 'PathExpression' &&
  !path.data &&
  path.depth === 0 &&
  path.parts.length === 1 &&
  !/^\.|this\b/.test(path.original)
    ? path.parts[0]
    : undefined

const checkData = (path: Path, scope: Scope, walk: Walk): void => {
  const [name = '', ...rest] = path.parts
  if (name === 'root' && path.depth === 0) return
  if (name === 'locale' && path.depth === 0 && rest.length === 0) return
  if (LOOP_DATA.has(name) && rest.length === 0 && path.depth < scope.loops) return
  walk.report('template/forbidden-construct', `${path.original} does not exist here.`)
}

/** `mustExist`: a missing value stops the rendering, instead of counting as empty. */
const checkPath = (path: Path, scope: Scope, walk: Walk, mustExist: boolean): void => {
  if (path.data) checkData(path, scope, walk)
  else if (path.depth > scope.contexts)
    walk.report('template/forbidden-construct', `${path.original} leads out of the data.`)
  // A dot within a name would make `required`, which is dotted, say something else.
  const bad = path.parts.find((part) => part === '' || part.includes('.') || UNSAFE_NAME.test(part))
  if (bad !== undefined) walk.report('template/forbidden-construct', `A name must not be '${bad}'.`)
  // The compiler calls itself for each name; 2,000 overflow its stack.
  if (path.parts.length > DEPTH_MAX)
    walk.report('template/too-deep', `A path has at most ${DEPTH_MAX} names.`)
  if (!mustExist) return
  path.strict = true
  const names = path.data && path.parts[0] === 'root' ? path.parts.slice(1) : path.parts
  const fromRoot = path.data ? path.parts[0] === 'root' : path.depth === 0
  if (scope.top && fromRoot && names.length > 0) walk.require(names.join('.'))
}

interface Called {
  readonly path: Expression
  readonly params: readonly Expression[]
  readonly hash?: unknown
}

/** Why this is not a call of `safeUrl` or `default` as it should be. */
const wrongCall = (call: Called, name: string | undefined): [string, string] | undefined => {
  const written = call.path.type === 'PathExpression' ? call.path.original : 'A literal'
  if (name === 'lookup' || name === 'log')
    return ['template/forbidden-construct', `The helper ${name} is not allowed.`]
  if (name === undefined || !isValueHelper(name))
    return ['template/unknown-helper', `${written} is not a helper that gives a value.`]
  if (call.params.length !== valueHelpers[name] || call.hash)
    return ['template/wrong-arguments', `${name} takes ${valueHelpers[name]} argument(s).`]
  return undefined
}

/** `safeUrl` or `default`, as a mustache or within another's arguments. */
export const checkCall = (call: Called, scope: Scope, walk: Walk, mustExist: boolean): void => {
  const name = helperName(call.path)
  const wrong = wrongCall(call, name)
  if (wrong) walk.report(...wrong)
  else
    for (const param of call.params)
      checkExpression(
        param,
        { ...scope, depth: scope.depth + 1 },
        walk,
        mustExist && name !== 'default',
      )
}

export const checkExpression = (
  expression: Expression,
  scope: Scope,
  walk: Walk,
  mustExist: boolean,
): void => {
  walk.count()
  if (scope.depth > DEPTH_MAX) walk.report('template/too-deep', `Nested deeper than ${DEPTH_MAX}.`)
  else if (expression.type === 'PathExpression') checkPath(expression, scope, walk, mustExist)
  else if (expression.type === 'SubExpression') checkCall(expression, scope, walk, mustExist)
}
