/** The part of Handlebars' syntax tree that we read. Its own types are too loose to switch on. */
export interface Path {
  readonly type: 'PathExpression'
  readonly data: boolean
  readonly depth: number
  readonly parts: readonly string[]
  readonly original: string
  /** Ours: the compiler reads it, a strict path that is missing throws. It marks only mustaches itself. */
  strict?: boolean
}

export interface Literal {
  readonly type:
    | 'StringLiteral'
    | 'NumberLiteral'
    | 'BooleanLiteral'
    | 'UndefinedLiteral'
    | 'NullLiteral'
}

interface Call {
  readonly path: Expression
  readonly params: readonly Expression[]
  readonly hash?: unknown
}

export interface SubExpression extends Call {
  readonly type: 'SubExpression'
}

export type Expression = Path | Literal | SubExpression

export interface Mustache extends Call {
  readonly type: 'MustacheStatement'
  readonly escaped: boolean
}

export interface Block extends Call {
  readonly type: 'BlockStatement'
  readonly program?: Program
  readonly inverse?: Program
  /** Has no `open` in a raw block, `{{{{x}}}}`: nothing else tells it from a block. */
  readonly openStrip: { readonly open?: boolean }
}

export type Statement =
  | Mustache
  | Block
  | { readonly type: 'ContentStatement'; readonly value: string }
  | { readonly type: 'CommentStatement' }
  | {
      readonly type: 'PartialStatement' | 'PartialBlockStatement' | 'Decorator' | 'DecoratorBlock'
    }

export interface Program {
  readonly type: 'Program'
  readonly body: readonly Statement[]
  readonly blockParams?: readonly string[]
}
