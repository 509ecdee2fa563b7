import type { Checked, TemplateProblem, TemplateSource } from '#ports/renderer.ts'
import { FIELDS, type Field } from '../protocol.ts'
import type { Program } from './ast.ts'
import {
  container,
  Handlebars,
  helpers,
  Stopped,
  startField,
  startRender,
  tooLarge,
} from './known-helpers.ts'
import { SOURCE_MAX_BYTES } from './limits.ts'
import { clean } from './plain-text.ts'
import { walkTemplate } from './policy.ts'
import { tooMuchToParse } from './prescan.ts'

type Run = (data: unknown, options: { data: { locale: string } }) => string
type Main = (target: object, ...rest: unknown[]) => string
interface Spec {
  main: Main
}

/** What `Handlebars.compile` does; done by hand, because it keeps the syntax tree for as long as the code. */
interface Environment {
  readonly parse: (program: Program) => Program
  readonly Compiler: new () => { compile(program: Program, options: object): object }
  readonly JavaScriptCompiler: new () => {
    compile(opcodes: object, options: object, context: undefined, asObject: true): Spec
  }
  readonly template: (spec: Spec) => Run
}

/**
 * An environment of our own, without partials, without anything that a tenant could put into it: so it may
 * be one for all.
 */
const environment = (() => {
  const own = Handlebars.create()
  for (const name of ['lookup', 'log', 'helperMissing', 'blockHelperMissing'])
    own.unregisterHelper(name)
  own.registerHelper(helpers)
  return own as unknown as Environment
})()

const options = {
  data: true,
  strict: true,
  knownHelpersOnly: true,
  // The compiler holds these to be known unless told otherwise.
  knownHelpers: {
    each: true,
    if: true,
    unless: true,
    with: true,
    safeUrl: true,
    default: true,
    log: false,
    lookup: false,
    helperMissing: false,
    blockHelperMissing: false,
  },
}

type Parsed =
  | { readonly program: Program; readonly required: readonly string[] }
  | { readonly problems: readonly TemplateProblem[] }

const parse = (field: Field, text: unknown): Parsed => {
  const problem = (code: string, message: string) => ({ problems: [{ code, message, field }] })
  // An object here would be taken for a syntax tree and become code (CVE-2026-33937).
  if (typeof text !== 'string') return problem('template/not-text', 'A template is a text.')
  if (Buffer.byteLength(text) > SOURCE_MAX_BYTES)
    return problem('template/too-large', `A template has at most ${SOURCE_MAX_BYTES} bytes.`)
  let program: Program
  try {
    const tooMuch = tooMuchToParse(text)
    if (tooMuch) return problem(...tooMuch)
    // Whitespace control recurses, so it comes after the depth is known.
    program = Handlebars.parseWithoutProcessing(text) as unknown as Program
  } catch (error) {
    return problem('template/invalid-syntax', error instanceof Error ? error.message : 'Invalid.')
  }
  const walked = walkTemplate(program, field)
  return walked.problems.length > 0 ? walked : { program, required: walked.required }
}

export interface Compiled {
  readonly runs: readonly (readonly [Field, Run])[]
  readonly problem?: string
}

/** Half of the generated code would be line numbers for error messages that nobody sees. */
const dropLocations = (node: object): void => {
  for (const [key, value] of Object.entries(node)) {
    if (key === 'loc') Object.assign(node, { loc: undefined })
    else if (typeof value === 'object' && value !== null) dropLocations(value)
  }
}

const compileProgram = (program: Program): Run => {
  // The compiler writes into its options.
  const own = { ...options, knownHelpers: { ...options.knownHelpers } }
  const processed = environment.parse(program)
  dropLocations(processed)
  const opcodes = new environment.Compiler().compile(processed, own)
  const spec = new environment.JavaScriptCompiler().compile(opcodes, own, undefined, true)
  const { main } = spec
  // The runtime's three ways to data and output are replaced before compiled code runs.
  spec.main = (target, ...rest) => main(Object.assign(target, container), ...rest)
  return environment.template(spec)
}

export const compile = (source: TemplateSource): Compiled => {
  const runs: [Field, Run][] = []
  for (const field of FIELDS) {
    if (source[field] === undefined) continue
    const parsed = parse(field, source[field])
    if ('problems' in parsed)
      return { runs: [], problem: `${field}: ${parsed.problems[0]?.message}` }
    runs.push([field, compileProgram(parsed.program)])
  }
  return { runs }
}

export const check = (source: TemplateSource): Checked => {
  const problems: TemplateProblem[] = []
  const required = new Set<string>()
  for (const field of FIELDS) {
    if (source[field] === undefined) continue
    const parsed = parse(field, source[field])
    if ('problems' in parsed) problems.push(...parsed.problems)
    else {
      // Nothing that the policy lets through is known not to compile; if so, it is found out now.
      compileProgram(parsed.program)
      for (const path of parsed.required) required.add(path)
    }
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, required: [...required] }
}

/** The texts, in the order of `FIELDS`. Throws `Stopped`, or whatever the data made Handlebars throw. */
export const run = (
  compiled: Compiled,
  data: unknown,
  locale: string,
  outputMaxBytes: number,
): readonly (string | undefined)[] => {
  if (compiled.problem !== undefined) throw new Stopped('template/failed', compiled.problem)
  startRender(outputMaxBytes)
  const texts: Partial<Record<Field, string>> = {}
  let bytes = 0
  for (const [field, render] of compiled.runs) {
    startField(field === 'html')
    const text = clean(field, render(data, { data: { locale } }))
    bytes += Buffer.byteLength(text)
    if (bytes > outputMaxBytes) throw tooLarge()
    texts[field] = text
  }
  return FIELDS.map((field) => texts[field])
}
