import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type {
  DisposableRenderer,
  Rendered,
  Renderer,
  RenderRequest,
  TemplateSource,
} from '#ports/renderer.ts'

export interface RendererLimits {
  readonly timeoutMs?: number
  readonly outputMaxBytes?: number
  readonly memoryMb?: number
}

export const requestOf = (
  source: TemplateSource,
  data: Record<string, unknown> = {},
  locale = 'en',
): RenderRequest => ({
  sourceHash: createHash('sha256').update(JSON.stringify(source)).digest('hex'),
  source,
  data,
  locale,
})

export const contentOf = (rendered: Rendered) => {
  if (!rendered.ok) throw new Error(`${rendered.code}: ${rendered.message}`)
  return rendered.content
}

const bodyOf = async (renderer: Renderer, body: string, data: Record<string, unknown> = {}) =>
  contentOf(await renderer.render(requestOf({ body }, data))).body

/** Takes some 300 ms of plain work within all limits: 650,000 conditions that print nothing. */
export const slow = (): RenderRequest =>
  requestOf(
    { body: `{{#each list}}${'{{#if x}}{{/if}}'.repeat(650)}{{/each}}` },
    { list: Array.from({ length: 1_000 }, () => 0) },
  )

/** Needs some 20 MB as objects, 1 MB as JSON. */
export const memoryBomb = (): RenderRequest =>
  requestOf({ body: '{{n}}' }, { n: 1, bomb: Array.from({ length: 300_000 }, () => ({})) })

const failure = (code: string) => expect.objectContaining({ ok: false, code })

export const rendererContract = (
  adapter: string,
  open: (limits?: RendererLimits) => Promise<DisposableRenderer>,
) =>
  describe(`renderer: ${adapter}`, () => {
    describe('checking', () => {
      const requiredOf = async (source: TemplateSource) => {
        await using renderer = await open()
        const checked = await renderer.check(source)
        if (!checked.ok) throw new Error(JSON.stringify(checked.problems))
        return checked.required
      }

      test('names what the data must have, once, in order of appearance', async () => {
        const source = { title: '{{b}} {{a.c}}', body: '{{b}} {{this.d}} {{@root.e}}' }
        expect(await requiredOf(source)).toEqual(['b', 'a.c', 'd', 'e'])
      })

      test('does not require what a condition, a default or an else provides for', async () => {
        const body =
          '{{#if a}}{{b}}{{else}}{{c}}{{/if}}{{#unless d}}{{e}}{{/unless}}{{default f g}}' +
          '{{#each h}}{{i}}{{else}}none{{/each}}{{#with j}}{{k}}{{else}}none{{/with}}'
        expect(await requiredOf({ body })).toEqual([])
      })

      test('requires what is looped over or entered without an else', async () => {
        const body = '{{#each a}}{{b}}{{/each}}{{#with c.d}}{{e}}{{/with}}{{safeUrl f}}'
        expect(await requiredOf({ body })).toEqual(['a', 'c.d', 'f'])
      })

      test('tells the field of each problem', async () => {
        await using renderer = await open()
        const checked = await renderer.check({ title: '{{', body: 'fine', subject: '{{> other}}' })
        expect(checked).toMatchObject({
          ok: false,
          problems: [
            { code: 'template/invalid-syntax', field: 'title' },
            { code: 'template/forbidden-construct', field: 'subject' },
          ],
        })
      })

      test('refuses a source that is not text', async () => {
        await using renderer = await open()
        const ast = { type: 'Program', body: [] } as unknown as string
        expect(await renderer.check({ body: ast })).toMatchObject({
          problems: [{ code: 'template/not-text', field: 'body' }],
        })
        const rendered = await renderer.render(requestOf({ body: (() => '') as unknown as string }))
        expect(rendered).toEqual(failure('template/failed'))
      })
    })

    describe('rendering', () => {
      test('fills every text, and gives a body in any case', async () => {
        await using renderer = await open()
        const source = {
          title: 'T {{x}}',
          body: 'B {{x}}',
          subject: 'S {{x}}',
          html: '<p>{{x}}</p>',
        }
        expect(contentOf(await renderer.render(requestOf(source, { x: 1 })))).toEqual({
          title: 'T 1',
          body: 'B 1',
          subject: 'S 1',
          html: '<p>1</p>',
        })
        const html = await renderer.render(requestOf({ html: 'x' }))
        expect(contentOf(html)).toEqual({ body: '', html: 'x' })
      })

      test('fails for a missing value, not for one that is null or guarded', async () => {
        await using renderer = await open()
        expect(await renderer.render(requestOf({ body: '{{a}}' }))).toEqual(
          failure('template/failed'),
        )
        const deep = await renderer.render(requestOf({ body: '{{a.b.c}}' }, { a: {} }))
        expect(deep).toEqual(failure('template/failed'))
        expect(await bodyOf(renderer, '[{{a}}]', { a: null })).toBe('[]')
        const guarded =
          '{{#if a.b.c}}1{{else}}2{{/if}}{{default d.e "3"}}{{#each f}}x{{else}}4{{/each}}'
        expect(await bodyOf(renderer, guarded)).toBe('234')
      })

      test('loops, chooses and enters', async () => {
        await using renderer = await open()
        const body =
          '{{#each list}}{{@index}}{{@key}}{{this.n}}{{../top}}{{#if @last}}!{{else}},{{/if}}{{/each}}' +
          '{{#each map}} {{@key}}={{this}}{{/each}}{{#with one}} {{two}}{{/with}} {{@locale}}' +
          '{{#if no}}a{{else if yes}}b{{else}}c{{/if}}'
        const data = {
          list: [{ n: 'a' }, { n: 'b' }],
          top: 'T',
          map: { x: 1, y: 2 },
          one: { two: 2 },
          yes: true,
        }
        expect(await bodyOf(renderer, body, data)).toBe('00aT,11bT! x=1 y=2 2 enb')
      })

      test('escapes values in html and nowhere else', async () => {
        await using renderer = await open()
        const x = `<b> & "q" 'a' = \``
        const source = { title: '{{x}}', body: '{{x}}', subject: '{{x}}', html: '<p>{{x}}</p>' }
        expect(contentOf(await renderer.render(requestOf(source, { x })))).toEqual({
          title: x,
          body: x,
          subject: x,
          html: '<p>&lt;b&gt; &amp; &quot;q&quot; &#x27;a&#x27; &#x3D; &#x60;</p>',
        })
      })

      test('keeps title and subject on one line', async () => {
        await using renderer = await open()
        const x = 'a\r\nBcc: b\u0000\u001b[1m\u0085\u2028c\u007f'
        const source = { title: '{{x}}\n', body: '{{x}}', subject: 's {{x}}' }
        expect(contentOf(await renderer.render(requestOf(source, { x })))).toEqual({
          title: 'aBcc: b[1mc',
          body: 'a\nBcc: b[1m\u2028c',
          subject: 's aBcc: b[1mc',
        })
      })

      test('removes what turns the direction of text, everywhere', async () => {
        await using renderer = await open()
        const x = 'a\u202e\u202a\u2066\u2069\u200e\u200f\u061cb'
        const source = { title: '{{x}}', body: '{{x}}', subject: '{{x}}', html: '{{x}}\u202e' }
        const content = contentOf(await renderer.render(requestOf(source, { x })))
        expect(content).toEqual({ title: 'ab', body: 'ab', subject: 'ab', html: 'ab' })
      })

      test('never renders a value a second time', async () => {
        await using renderer = await open()
        const x = '{{secret}} {{{secret}}} {{> p}} {{#each a}}'
        expect(await bodyOf(renderer, '{{x}}', { x, secret: 1 })).toBe(x)
      })

      test('lets only harmless URLs through safeUrl', async () => {
        await using renderer = await open()
        const hrefOf = async (url: unknown) => {
          const source = { html: '<a href="{{safeUrl url}}">x</a>' }
          const { html } = contentOf(await renderer.render(requestOf(source, { url })))
          return /^<a href="([^"]*)">x<\/a>$/.exec(html ?? '')?.[1]
        }
        expect(await hrefOf('https://example.com/a')).toBe('https://example.com/a')
        expect(await hrefOf('mailto:a@example.com')).toBe('mailto:a@example.com')
        const evil = [
          'javascript:alert(1)',
          'java\nscript:alert(1)',
          ' JavaScript:x',
          'data:text/html,x',
        ]
        for (const url of [...evil, 'vbscript:x', '//example.com', 'a b', 7, null, {}])
          expect(await hrefOf(url)).toBe('')
        expect(await hrefOf('https://example.com/"><script>')).toBe(
          'https://example.com/%22%3E%3Cscript%3E',
        )
      })

      test('does not show a list or an object', async () => {
        await using renderer = await open()
        for (const x of [[1], {}, { toString: 'x', valueOf: 'y' }])
          expect(await renderer.render(requestOf({ body: '{{x}}' }, { x }))).toEqual(
            failure('template/failed'),
          )
      })

      test('is given data that are not JSON, and fails alone', async () => {
        await using renderer = await open()
        const cycle: Record<string, unknown> = {}
        cycle.self = cycle
        const answers = await Promise.all([
          renderer.render(requestOf({ body: 'a' }, cycle)),
          renderer.render(requestOf({ body: 'b' }, { n: 1n })),
          renderer.render(requestOf({ body: '{{#if f}}f{{/if}}c' }, { f: () => 'called' })),
        ])
        expect(answers.map((answer) => answer.ok)).toEqual([false, false, true])
        expect(answers[2]).toMatchObject({ content: { body: 'c' } })
      })

      test('keeps different sources with one hash apart', async () => {
        await using renderer = await open()
        const render = (body: string) =>
          renderer.render({ sourceHash: 'same', source: { body }, data: {}, locale: 'en' })
        const all = await Promise.all([render('a'), render('b'), render('a')])
        expect(all.map((one) => contentOf(one).body)).toEqual(['a', 'b', 'a'])
      })

      test('gives the same bytes from any worker', async () => {
        await using one = await open()
        await using other = await open()
        const source = { body: '{{#each m}}{{@key}}:{{this}};{{/each}}{{n}}', html: '<i>{{n}}</i>' }
        const request = requestOf(source, { m: { b: 1, a: 0.1, '2': 1e21 }, n: '가 ' })
        expect(await one.render(request)).toEqual(await other.render(request))
      })
    })

    describe('a hostile template', () => {
      test.each([
        ['a prototype', '{{#each x}}{{@key}}{{/each}}{{#if constructor}}y{{/if}}'],
        ['a constructor', '{{x.constructor.name}}'],
        ['__proto__', '{{__proto__.toString}}'],
        ['a partial named by the data', '{{> (lookup . "x")}}'],
        ['a name out of the data', '{{lookup @root x}}'],
        ['a partial', '{{> other-app}}'],
        ['raw output', '{{{x}}}'],
      ])('does not get at %s', async (_, body) => {
        await using renderer = await open()
        const request = requestOf({ body }, { x: { y: 1 } })
        expect(await renderer.check({ body })).toMatchObject({ ok: false })
        expect(await renderer.render(request)).toEqual(failure('template/failed'))
      })

      test('does not see inherited properties', async () => {
        await using renderer = await open()
        const body = '{{#if toString}}1{{/if}}{{#if x.valueOf}}2{{/if}}{{#if s.length}}3{{/if}}end'
        expect(await bodyOf(renderer, body, { x: {}, s: 'text' })).toBe('end')
        const printed = await renderer.render(requestOf({ body: '{{hasOwnProperty}}' }))
        expect(printed).toEqual(failure('template/failed'))
      })

      test('cannot loop for long', async () => {
        await using renderer = await open()
        const list = Array.from({ length: 60 }, () => 1)
        const body = `${'{{#each @root.list}}'.repeat(4)}x${'{{/each}}'.repeat(4)}`
        expect(await renderer.render(requestOf({ body }, { list }))).toEqual(
          failure('template/failed'),
        )
      })

      test('cannot write for long', async () => {
        // Not a matter of time: a busy machine takes longer for what is below the limit.
        await using renderer = await open({ timeoutMs: 10_000 })
        const x = '<'.repeat(60_000)
        const printing = await renderer.render(requestOf({ html: '{{x}}'.repeat(900) }, { x }))
        expect(printing).toEqual(failure('template/output-too-large'))
        const static_ = `{{#each list}}${'y'.repeat(60_000)}{{/each}}`
        const list = Array.from({ length: 1_000 }, () => 1)
        const repeating = await renderer.render(requestOf({ body: static_ }, { list }))
        expect(repeating).toEqual(failure('template/output-too-large'))
      })

      test('that is too slow is stopped alone, and the next renders', async () => {
        await using renderer = await open({ timeoutMs: 40 })
        const innocent = (n: number) => renderer.render(requestOf({ body: '{{n}}' }, { n }))
        const answers = await Promise.all([innocent(1), renderer.render(slow()), innocent(2)])
        expect(answers[1]).toEqual(failure('template/too-slow'))
        expect([answers[0], answers[2]].map((one) => contentOf(one as Rendered).body)).toEqual([
          '1',
          '2',
        ])
        expect(contentOf(await innocent(3)).body).toBe('3')
      })

      test('that is too large for the memory is stopped alone, and the next renders', async () => {
        await using renderer = await open({ memoryMb: 16, timeoutMs: 5_000 })
        const innocent = (n: number) => renderer.render(requestOf({ body: '{{n}}' }, { n }))
        const answers = await Promise.all([innocent(1), renderer.render(memoryBomb()), innocent(2)])
        expect(answers[1]).toEqual(failure('template/failed'))
        expect([answers[0], answers[2]].map((one) => contentOf(one as Rendered).body)).toEqual([
          '1',
          '2',
        ])
        expect(contentOf(await innocent(3)).body).toBe('3')
      })
    })

    test('closing answers what is in flight and refuses what comes after', async () => {
      const renderer = await open()
      const pending = Array.from({ length: 300 }, (_, n) =>
        renderer.render(requestOf({ body: '{{n}}' }, { n })),
      )
      await renderer[Symbol.asyncDispose]()
      await renderer[Symbol.asyncDispose]()
      expect((await Promise.all(pending)).every((one) => one.ok)).toBe(true)
      await expect(renderer.render(requestOf({ body: 'x' }))).rejects.toThrow('closed')
    })
  })
