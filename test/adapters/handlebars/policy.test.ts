import { describe, expect, test } from 'vitest'
import { check } from '#adapters/handlebars/worker/template.ts'

const codesOf = (body: string, field: 'body' | 'html' = 'body') => {
  const checked = check({ [field]: body })
  return checked.ok ? [] : checked.problems.map((problem) => problem.code)
}

describe('the template policy', () => {
  test.each([
    ['{{{x}}}', 'forbidden-construct'],
    ['{{&x}}', 'forbidden-construct'],
    ['{{~{x}~}}', 'forbidden-construct'],
    ['{{> x}}', 'forbidden-construct'],
    ['{{> (x)}}', 'forbidden-construct'],
    ['{{> @partial-block}}', 'forbidden-construct'],
    ['{{#> x}}{{/x}}', 'forbidden-construct'],
    ['{{* x}}', 'forbidden-construct'],
    ['{{#*inline "x"}}{{/inline}}', 'forbidden-construct'],
    ['{{lookup x y}}', 'forbidden-construct'],
    ['{{lookup}}', 'forbidden-construct'],
    ['{{safeUrl (lookup x y)}}', 'forbidden-construct'],
    ['{{#lookup x y}}{{/lookup}}', 'forbidden-construct'],
    ['{{log x}}', 'forbidden-construct'],
    ['{{log}}', 'forbidden-construct'],
    ['{{{{if x}}}}{{{{/if}}}}', 'forbidden-construct'],
    ['{{../x}}', 'forbidden-construct'],
    ['{{#if x}}{{../x}}{{/if}}', 'forbidden-construct'],
    ['{{#each x}}{{../../x}}{{/each}}', 'forbidden-construct'],
    ['{{#each x}}{{else}}{{../x}}{{/each}}', 'forbidden-construct'],
    ['{{constructor}}', 'forbidden-construct'],
    ['{{x.__proto__.y}}', 'forbidden-construct'],
    ['{{x.[__defineGetter__]}}', 'forbidden-construct'],
    ['{{#if x.constructor}}{{/if}}', 'forbidden-construct'],
    ['{{[a.b]}}', 'forbidden-construct'],
    ['{{@index}}', 'forbidden-construct'],
    ['{{#each x}}{{@../index}}{{/each}}', 'forbidden-construct'],
    ['{{@_parent}}', 'forbidden-construct'],
    ['{{@partial-block}}', 'forbidden-construct'],
    ['{{"x"}}', 'forbidden-construct'],
    ['{{7}}', 'forbidden-construct'],
    ['{{#each x as |y|}}{{/each}}', 'forbidden-construct'],
    ['{{#x}}{{/x}}', 'unknown-helper'],
    ['{{^x}}{{/x}}', 'unknown-helper'],
    ['{{#helperMissing x}}{{/helperMissing}}', 'unknown-helper'],
    ['{{helperMissing}}', 'unknown-helper'],
    ['{{blockHelperMissing x}}', 'unknown-helper'],
    ['{{#safeUrl x}}{{/safeUrl}}', 'unknown-helper'],
    ['{{x y}}', 'unknown-helper'],
    ['{{x y=1}}', 'unknown-helper'],
    ['{{if x}}', 'unknown-helper'],
    ['{{#if (x y)}}{{/if}}', 'unknown-helper'],
    ['{{safeUrl}}', 'wrong-arguments'],
    ['{{safeUrl x y}}', 'wrong-arguments'],
    ['{{safeUrl x y=1}}', 'wrong-arguments'],
    ['{{default x}}', 'wrong-arguments'],
    ['{{#if}}{{/if}}', 'wrong-arguments'],
    ['{{#if x y}}{{/if}}', 'wrong-arguments'],
    ['{{#if x includeZero=true}}{{/if}}', 'wrong-arguments'],
    ['{{', 'invalid-syntax'],
    ['{{#if x}}', 'invalid-syntax'],
    ['{{#if x}}{{/each}}', 'invalid-syntax'],
  ])('refuses %s', (body, code) => {
    expect(codesOf(body)).toEqual([`template/${code}`])
  })

  test.each([
    '{{x}} {{this}} {{this.each}} {{a-b.[c d]}} \\{{x}} {{! comment }} {{!-- }} --}}',
    '{{#each x}}{{../y}}{{@index}}{{@first}}{{#each z}}{{../../y}}{{@../index}}{{/each}}{{/each}}',
    '{{#with x}}{{../y}}{{/with}}{{@root.x}}{{@locale}}',
    '{{default x (safeUrl y)}}{{default x -1.5}}{{default x true}}',
    '{{#if a}}1{{else if b}}2{{else unless c}}3{{else each d}}4{{else}}5{{/if}}',
  ])('allows %s', (body) => {
    expect(codesOf(body)).toEqual([])
  })

  test('limits the bytes, the nodes and the depth', () => {
    expect(codesOf('가'.repeat(21_845))).toEqual([])
    expect(codesOf('가'.repeat(21_846))).toEqual(['template/too-large'])
    expect(codesOf('{{x}}'.repeat(1_000))).toEqual([])
    expect(codesOf('{{x}}'.repeat(1_001))).toEqual(['template/too-many-nodes'])
    const nested = (times: number) => `${'{{#if x}}'.repeat(times)}${'{{/if}}'.repeat(times)}`
    expect(codesOf(nested(16))).toEqual([])
    expect(codesOf(nested(17))).toEqual(['template/too-deep'])
    expect(codesOf(nested(4_000))).toEqual(['template/too-deep'])
    const called = (times: number) =>
      `{{${'safeUrl ('.repeat(times)}safeUrl x${')'.repeat(times)}}}`
    expect(codesOf(called(15))).toEqual([])
    expect(codesOf(called(16))).toEqual(['template/too-deep'])
    expect(codesOf(`{{${'a.'.repeat(15)}b}}`)).toEqual([])
    expect(codesOf(`{{${'a.'.repeat(16)}b}}`)).toEqual(['template/too-deep'])
  })

  test.each([
    ['blocks', `${'{{#if x}}'.repeat(4_000)}${'{{/if}}'.repeat(4_000)}`, 'too-deep'],
    ['inverse blocks', `${'{{^if x}}'.repeat(4_000)}${'{{/if}}'.repeat(4_000)}`, 'too-deep'],
    ['partial blocks', `${'{{#> x}}'.repeat(4_000)}${'{{/x}}'.repeat(4_000)}`, 'too-deep'],
    ['else ifs', `{{#if x}}${'{{else if y}}'.repeat(4_000)}{{/if}}`, 'too-deep'],
    ['calls', `{{safeUrl ${'(safeUrl '.repeat(5_000)}x${')'.repeat(5_000)}}}`, 'too-deep'],
    ['values', '{{x}}'.repeat(13_000), 'too-many-nodes'],
    ['arguments', `{{x ${'a '.repeat(30_000)}}}`, 'too-many-nodes'],
    ['names', `{{${'a.'.repeat(30_000)}b}}`, 'too-many-nodes'],
  ])(
    'refuses a whole field of %s without parsing it',
    (_, body, code) => {
      expect(codesOf(body)).toEqual([`template/${code}`])
    },
    1_000,
  )

  test('reports a limited number of problems', () => {
    expect(codesOf('{{{x}}}'.repeat(100))).toHaveLength(20)
  })
})

describe('a value in html', () => {
  test.each([
    '<p>{{x}}</p>',
    '<p title="{{x}}" alt=\'{{x}}\'>',
    '<!-- {{x}} -->{{x}}',
    '<!--><p>{{x}}',
    '<a href="{{safeUrl x}}">',
    '<a href="https://a.b/{{x}}?{{y}}">',
    '<img src="{{safeUrl x}}" width="{{w}}"/>{{x}}',
    '1 < 2 {{x}} <3 {{x}}',
    '<!doctype html><style>p{}</style><p>{{x}}',
    '<script>"</p>"</script>{{x}}',
    '<p {{#if x}}class="a"{{/if}}>{{x}}',
    '<p>{{#each x}}<i title="{{this}}">{{/each}}',
    '<a href="{{#if x}}https://a{{else}}http://b{{/if}}/{{y}}">',
  ])('may stand in %s', (html) => {
    expect(codesOf(html, 'html')).toEqual([])
  })

  test.each([
    '<p title={{x}}>',
    '<p title=a{{x}}>',
    '<p {{x}}>',
    '<p {{x}}="y">',
    '<{{x}}>',
    '<a{{x}}>',
    '</{{x}}>',
    '<!{{x}}>',
    '<script>{{x}}</script>',
    '<script>"</style>"{{x}}',
    '<STYLE>{{x}}</STYLE>',
    '<style></styl>{{x}}',
    '<p style="color:{{x}}">',
    '<p onclick="f(\'{{x}}\')">',
    '<iframe srcdoc="{{x}}">',
    '<a href="{{x}}">',
    '<a HREF = "{{x}}">',
    '<a href=" {{x}}">',
    '<a href="{{default x "y"}}">',
    '<a href="{{#if x}}https://a{{/if}}{{y}}">',
    '{{#if x}}<p title="{{else}}<p>{{/if}}',
    '{{#each x}}<script>{{/each}}',
  ])('must not stand in %s', (html) => {
    expect(codesOf(html, 'html')).toContain('template/unsafe-place')
  })

  test('may stand anywhere in plain text', () => {
    expect(codesOf('<a href={{x}}>')).toEqual([])
  })
})
