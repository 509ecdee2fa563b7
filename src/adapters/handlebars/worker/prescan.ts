import { Handlebars } from './known-helpers.ts'
import { DEPTH_MAX, NODES_MAX, TOKENS_MAX } from './limits.ts'

interface Lexer {
  yy: object
  setInput(text: string): void
  lex(): number | string
}

const { lexer, terminals_: names } = (
  Handlebars as unknown as {
    Parser: { lexer: Lexer; terminals_: Readonly<Record<number, string>> }
  }
).Parser

const OPENS_BLOCK = new Set(['OPEN_BLOCK', 'OPEN_INVERSE', 'OPEN_PARTIAL_BLOCK'])

/**
 * Reads the tokens only, and says why the parser should not be asked: it copies its stack at every step, so
 * 64 KB of blocks in one another took it 4 s, and of sub-expressions 9 s. The walk has the exact limits;
 * these are rough ones, which it can live with.
 */
export const tooMuchToParse = (text: string): [code: string, message: string] | undefined => {
  lexer.yy ??= {}
  lexer.setInput(text)
  /** Of each open block: itself and its `{{else if}}`s, which nest too. */
  const blocks: number[] = []
  let depth = 0
  for (let tokens = 0; tokens < TOKENS_MAX; tokens++) {
    const token = lexer.lex()
    const name = typeof token === 'number' ? (names[token] ?? 'EOF') : token
    if (name === 'EOF' || name === 'INVALID') return undefined
    if (OPENS_BLOCK.has(name)) {
      blocks.push(1)
      depth++
    } else if (name === 'OPEN_INVERSE_CHAIN') {
      blocks.push((blocks.pop() ?? 0) + 1)
      depth++
    } else if (name === 'OPEN_ENDBLOCK') depth -= blocks.pop() ?? 0
    else if (name === 'OPEN_SEXPR') depth++
    else if (name === 'CLOSE_SEXPR') depth--
    if (depth > 2 * DEPTH_MAX) return ['template/too-deep', `Nested deeper than ${DEPTH_MAX}.`]
  }
  return ['template/too-many-nodes', `More than ${NODES_MAX} expressions and pieces of text.`]
}
