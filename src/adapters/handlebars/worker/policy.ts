import type { TemplateProblem } from '#ports/renderer.ts'
import type { Field } from '../protocol.ts'
import type { Block, Mustache, Program, Statement } from './ast.ts'
import {
  checkCall,
  checkExpression,
  helperName,
  isValueHelper,
  type Scope,
  type Walk,
} from './expressions.ts'
import { afterText, afterValue, joined, type Place, TEXT, unsafe } from './html-place.ts'
import { DEPTH_MAX, NODES_MAX, PROBLEMS_MAX } from './limits.ts'

const BLOCKS = new Set(['if', 'unless', 'each', 'with'])
const RESERVED = new Set([...BLOCKS, 'lookup', 'log', 'helperMissing', 'blockHelperMissing'])

const constructs = {
  PartialStatement: 'Partials',
  PartialBlockStatement: 'Partial blocks',
  Decorator: 'Decorators',
  DecoratorBlock: 'Decorators',
} as const

/** Thrown to end a walk that would report or visit too much. */
class Enough extends Error {}

/** A block: which helper it is, if it is one of ours and well formed. */
const blockName = (block: Block, report: (code: string, message: string) => void) => {
  const name = helperName(block.path)
  if (block.openStrip.open === undefined) {
    report('template/forbidden-construct', 'Raw blocks are not allowed.')
  } else if (name === undefined || !BLOCKS.has(name)) {
    const [code, called] =
      name === 'lookup' || name === 'log'
        ? ['template/forbidden-construct', name]
        : ['template/unknown-helper', name ?? 'This']
    report(code, `${called} is not one of the blocks if, unless, each, with.`)
  } else if (block.params.length !== 1 || block.hash) {
    report('template/wrong-arguments', `${name} takes one argument.`)
  } else if (block.program?.blockParams || block.inverse?.blockParams) {
    report('template/forbidden-construct', 'Block parameters are not allowed.')
  } else return name
  return undefined
}

/** Reads every node of one field, in the order of the text, and marks the paths that must exist. */
class TemplateWalk {
  readonly problems: TemplateProblem[] = []
  readonly required = new Set<string>()
  readonly #field: Field
  readonly #walk: Walk
  #nodes = 0

  constructor(field: Field) {
    this.#field = field
    this.#walk = {
      report: (code, message) => this.#report(code, message),
      count: () => this.#count(),
      require: (path) => this.required.add(path),
    }
  }

  all(program: Program): void {
    try {
      this.#statements(program, { depth: 0, top: true, contexts: 0, loops: 0 }, TEXT)
    } catch (error) {
      if (!(error instanceof Enough)) throw error
    }
  }

  #report(code: string, message: string): void {
    this.problems.push({ code, message, field: this.#field })
    if (this.problems.length >= PROBLEMS_MAX) throw new Enough()
  }

  #count(): void {
    this.#nodes++
    if (this.#nodes <= NODES_MAX) return
    this.#report(
      'template/too-many-nodes',
      `More than ${NODES_MAX} expressions and pieces of text.`,
    )
    throw new Enough()
  }

  #statements(program: Program, scope: Scope, place: Place): Place {
    if (scope.depth <= DEPTH_MAX)
      return program.body.reduce((now, node) => this.#statement(node, scope, now), place)
    this.#report('template/too-deep', `Nested deeper than ${DEPTH_MAX}.`)
    throw new Enough()
  }

  #statement(node: Statement, scope: Scope, place: Place): Place {
    this.#count()
    switch (node.type) {
      case 'MustacheStatement':
        return this.#mustache(node, scope, place)
      case 'BlockStatement':
        return this.#block(node, scope, place)
      case 'ContentStatement':
        return this.#field === 'html' ? afterText(place, node.value) : place
      case 'CommentStatement':
        return place
      default:
        this.#report('template/forbidden-construct', `${constructs[node.type]} are not allowed.`)
        return place
    }
  }

  #mustache(node: Mustache, scope: Scope, place: Place): Place {
    if (!node.escaped)
      this.#report('template/forbidden-construct', '{{{…}}} and {{&…}} are not allowed: use {{…}}.')
    const name = helperName(node.path)
    const isCall =
      node.params.length > 0 ||
      node.hash !== undefined ||
      (name !== undefined && (isValueHelper(name) || RESERVED.has(name)))
    if (isCall) checkCall(node, scope, this.#walk, true)
    else if (node.path.type === 'PathExpression')
      checkExpression(node.path, scope, this.#walk, true)
    else this.#report('template/forbidden-construct', 'A mustache must name a value or a helper.')
    const why = this.#field === 'html' ? unsafe(place, isCall && name === 'safeUrl') : undefined
    if (why !== undefined) this.#report('template/unsafe-place', why)
    return afterValue(place)
  }

  #block(node: Block, scope: Scope, place: Place): Place {
    const name = blockName(node, this.#walk.report)
    const argument = node.params[0]
    if (name === undefined || argument === undefined) return place
    const changes = name === 'each' || name === 'with'
    checkExpression(argument, scope, this.#walk, changes && !node.inverse)
    const inverse = { ...scope, depth: scope.depth + 1, top: false }
    const body = {
      ...inverse,
      contexts: scope.contexts + (changes ? 1 : 0),
      loops: scope.loops + (name === 'each' ? 1 : 0),
    }
    const end = node.program ? this.#statements(node.program, body, place) : place
    const otherEnd = node.inverse ? this.#statements(node.inverse, inverse, place) : place
    const both = joined(end, otherEnd)
    if (!both && this.#field === 'html')
      this.#report(
        'template/unsafe-place',
        `The branches of a block ${name} end in different markup.`,
      )
    return both ?? otherEnd
  }
}

export interface Walked {
  readonly problems: readonly TemplateProblem[]
  readonly required: readonly string[]
}

/**
 * A path must exist unless it is the argument of `if` or `unless`, stands within `default`, or is the
 * argument of an `each` or `with` that has an `{{else}}`: there the author has said what a missing value
 * means. `required` holds those that stand in no block's body, so that a render whose data have them all
 * misses nothing outside of blocks.
 */
export const walkTemplate = (program: Program, field: Field): Walked => {
  const walk = new TemplateWalk(field)
  walk.all(program)
  return { problems: walk.problems, required: [...walk.required] }
}
