import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openHandlebarsRenderer } from '#adapters/handlebars/renderer.ts'
import type { DisposableRenderer } from '#ports/renderer.ts'
import { contentOf, rendererContract, requestOf, slow } from '../../contracts/renderer.ts'

rendererContract('handlebars', openHandlebarsRenderer)
rendererContract('handlebars with two workers', (limits) =>
  openHandlebarsRenderer({ ...limits, workers: 2 }),
)

describe('any value', () => {
  let renderer: DisposableRenderer
  beforeAll(async () => {
    renderer = await openHandlebarsRenderer()
  })
  afterAll(() => renderer[Symbol.asyncDispose]())

  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom('{', '}', '<', '&', ';', '#', '"', '\u202e', '\n', '\r', 'a'),
    }),
  )
  const unescaped = (html: string) =>
    html.replace(/&(?:(amp)|(lt)|(gt)|(quot)|#x27|#x60|#x3D);/g, (entity) => {
      const values: Record<string, string> = {
        '&amp;': '&',
        '&lt;': '<',
        '&gt;': '>',
        '&quot;': '"',
        '&#x27;': "'",
        '&#x60;': '`',
        '&#x3D;': '=',
      }
      return values[entity] ?? entity
    })

  test('comes out as it went in, but for the characters that are removed', () =>
    fc.assert(
      fc.asyncProperty(text, async (x) => {
        const source = { title: '{{x}}', body: '{{x}}', subject: '{{x}}' }
        const content = contentOf(await renderer.render(requestOf(source, { x })))
        const bidi = /\p{Bidi_Control}/gu
        const line = x.replace(bidi, '').replace(/[\p{Cc}\u2028\u2029]/gu, '')
        const body = x.replace(bidi, '').replace(/[^\P{Cc}\n]/gu, '')
        expect(content).toEqual({ title: line, body, subject: line })
      }),
    ))

  test('in html is never markup, and is read back as it was', () =>
    fc.assert(
      fc.asyncProperty(text, async (x) => {
        const source = { html: '<p title="{{x}}">{{x}}</p>' }
        const { html = '' } = contentOf(await renderer.render(requestOf(source, { x })))
        const inner = /^<p title="([^"<>]*)">([^<>]*)<\/p>$/.exec(html)
        expect(inner?.[1]).toBe(inner?.[2])
        expect(unescaped(inner?.[2] ?? '?')).toBe(
          x.replace(/\p{Bidi_Control}/gu, '').replace(/[^\P{Cc}\n\r\t]/gu, ''),
        )
      }),
    ))

  test('that a check requires is enough to render', () => {
    const name = fc.constantFrom('a', 'b', 'c')
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.'))
    const piece = fc.oneof(
      path.map((p) => `{{${p}}}`),
      path.map((p) => `{{#if ${p}}}yes{{/if}}`),
      path.map((p) => `{{default ${p} "-"}}`),
      path.map((p) => `{{#each ${p}}}x{{/each}}`),
      path.map((p) => `{{#with ${p}}}x{{/with}}`),
      path.map((p) => `{{#each ${p}}}x{{else}}none{{/each}}`),
      path.map((p) => `{{#if (safeUrl ${p})}}yes{{/if}}`),
      path.map((p) => `{{safeUrl (default ${p} "https://a.b")}}`),
    )
    return fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
        const source = { body: pieces.join(' ') }
        const checked = await renderer.check(source)
        if (!checked.ok) throw new Error(JSON.stringify(checked.problems))
        const data: Record<string, unknown> = {}
        for (const required of checked.required) put(data, required.split('.'))
        // A value that is itself entered by another path cannot be shown: not a matter of presence.
        const rendered = await renderer.render(requestOf(source, data))
        if (!rendered.ok) expect(rendered.message).not.toContain('missing')
      }),
    )
  })
})

const put = (data: Record<string, unknown>, [name = '', ...rest]: string[]): void => {
  const inner = data[name]
  if (rest.length === 0) data[name] ??= 'value'
  else {
    const object = typeof inner === 'object' && inner !== null ? inner : {}
    data[name] = object
    put(object as Record<string, unknown>, rest)
  }
}

describe('the handlebars renderer', () => {
  test('does not count waiting as slowness', async () => {
    await using renderer = await openHandlebarsRenderer({ timeoutMs: 1_000 })
    const some = { ...slow(), data: { list: Array.from({ length: 40 }, () => 0) } }
    const answers = await Promise.all(Array.from({ length: 200 }, () => renderer.render(some)))
    expect(answers.every((answer) => answer.ok)).toBe(true)
  })

  test('stops several slow ones in one batch, each once', async () => {
    await using renderer = await openHandlebarsRenderer({ timeoutMs: 30 })
    const fine = requestOf({ body: 'fine' })
    const batch = [slow(), fine, slow(), fine]
    const answers = await Promise.all(batch.map((request) => renderer.render(request)))
    const codes = answers.map((answer) => (answer.ok ? answer.content.body : answer.code))
    expect(codes).toEqual(['template/too-slow', 'fine', 'template/too-slow', 'fine'])
  })

  test('logs the hash of what it stopped, and no text', async () => {
    const logged: unknown[] = []
    const warn = (...all: unknown[]) => logged.push(all)
    const log = { debug: warn, info: warn, warn, error: warn }
    await using renderer = await openHandlebarsRenderer({ timeoutMs: 30, log })
    await renderer.render(slow())
    expect(logged).toEqual([[expect.any(String), { sourceHash: slow().sourceHash }]])
  })

  test('refuses a template when it is rendered that it would refuse when it is checked', async () => {
    await using renderer = await openHandlebarsRenderer()
    const rendered = await renderer.render(requestOf({ html: '<a href={{x}}>' }, { x: 1 }))
    expect(rendered).toMatchObject({ ok: false, code: 'template/failed' })
  })

  test('limits all texts of a render together', async () => {
    await using renderer = await openHandlebarsRenderer({ outputMaxBytes: 100 })
    const render = (chars: number) =>
      renderer.render(requestOf({ title: '{{x}}', body: '{{x}}' }, { x: '가'.repeat(chars) }))
    expect(await render(16)).toMatchObject({ ok: true })
    expect(await render(17)).toMatchObject({ code: 'template/output-too-large' })
  })

  test('keeps rendering more templates than it holds', async () => {
    await using renderer = await openHandlebarsRenderer({ memoryMb: 16 })
    const one = (n: number) => requestOf({ body: `${n} {{x}}${' '.repeat(2_000)}` }, { x: 'y' })
    for (const round of [1, 2]) {
      const all = Array.from({ length: 200 }, (_, n) => renderer.render(one(n)))
      const bodies = (await Promise.all(all)).map((answer) => contentOf(answer).body.trim())
      expect([round, bodies]).toEqual([round, bodies.map((_, n) => `${n} y`)])
    }
  })

  test('closing does not wait for what never ends', async () => {
    const renderer = await openHandlebarsRenderer({ timeoutMs: 60_000 })
    const pending = Array.from({ length: 300 }, () => renderer.render(slow()))
    const settled = Promise.allSettled(pending)
    await renderer[Symbol.asyncDispose]()
    const last = (await settled).at(-1)
    expect(last).toMatchObject({ status: 'rejected', reason: { code: 'renderer/closed' } })
  })
})
