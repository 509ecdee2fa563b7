import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'
import { pointerStep } from './json-text.ts'
import { ApiProblem } from './problems.ts'

/** A shape that a schema cannot say in a way that names the field. Throws `ApiProblem`. */
export type Rule<T> = (value: T) => void

const rules = new WeakMap<TSchema, Rule<never>>()

/** The schema with a rule that is checked after it, wherever it is used. */
export const withRule = <S extends TSchema>(schema: S, rule: Rule<Static<S>>): S => {
  rules.set(schema, rule as Rule<never>)
  return schema
}

const optional = new WeakSet<TSchema>()

/** A body that may be left out. */
export const mayBeAbsent = <S extends TSchema>(schema: S): S => {
  optional.add(schema)
  return schema
}

export const invalid = (pointer: string, detail: string): ApiProblem =>
  new ApiProblem('request/invalid', detail, { pointer })

type Errors = ReturnType<ReturnType<typeof Compile>['Errors']>

/** The first of all errors: the outer one of a choice, and of what is missing the first. */
const problemFrom = (errors: Errors): ApiProblem => {
  const first = errors.find((each) => !each.schemaPath.includes('/anyOf/')) ?? errors[0]
  if (!first) return invalid('', 'The value is not of the right shape.')
  const { keyword, instancePath, params, message } = first
  if (keyword === 'required') {
    const missing = params.requiredProperties[0] ?? ''
    return invalid(instancePath + pointerStep(missing), 'This has to be there.')
  }
  if (keyword === 'boolean') return invalid(instancePath, 'There is no such field.')
  if (keyword === 'enum' || keyword === 'const') {
    const allowed = 'allowedValues' in params ? params.allowedValues : [params.allowedValue]
    return invalid(instancePath, `This has to be one of: ${allowed.join(', ')}.`)
  }
  return invalid(instancePath, `This ${message}.`)
}

const checkers = new WeakMap<TSchema, (value: unknown) => ApiProblem | undefined>()

/** Compiled once per schema; a value of the right shape costs a fraction of a microsecond. */
export const checkerOf = (schema: TSchema): ((value: unknown) => ApiProblem | undefined) => {
  const known = checkers.get(schema)
  if (known) return known
  const compiled = Compile(schema)
  const rule = rules.get(schema) as Rule<unknown> | undefined
  const check = (value: unknown): ApiProblem | undefined => {
    if (!compiled.Check(value)) return problemFrom(compiled.Errors(value))
    try {
      rule?.(value)
      return undefined
    } catch (error) {
      if (error instanceof ApiProblem) return error
      throw error
    }
  }
  checkers.set(schema, check)
  return check
}

/** For Fastify: bodies are taken as they are; queries, which are all text, are converted first. */
export const validatorCompiler = (route: {
  readonly schema: unknown
  readonly httpPart?: string | undefined
}) => {
  const schema = route.schema as TSchema
  const check = checkerOf(schema)
  return (given: unknown): { readonly error: ApiProblem } | { readonly value: unknown } => {
    const value =
      route.httpPart === 'body' ? given : Value.Convert(schema, { ...(given as object) })
    // Fastify hands a body that is not there over as null.
    const absent = given === null && optional.has(schema)
    const error = absent ? undefined : check(value)
    return error ? { error } : { value }
  }
}
