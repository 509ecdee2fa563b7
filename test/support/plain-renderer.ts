import type { Renderer, TemplateSource } from '#ports/renderer.ts'

const marker = /\{\{([\w.]+)\}\}/g

const valueAt = (data: Readonly<Record<string, unknown>>, path: string): string => {
  let value: unknown = data
  for (const key of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[key]
  return String(value ?? '')
}

/** Puts values in the place of `{{path}}` and can do nothing else; `{{fail}}` fails when it is rendered. */
export const createPlainRenderer = (): Renderer => ({
  check: async (source) => {
    const texts = Object.values(source) as string[]
    const paths = texts.flatMap((text) => [...text.matchAll(marker)].map((match) => match[1]!))
    return { ok: true, required: [...new Set(paths)].filter((path) => path !== 'fail') }
  },
  render: async ({ source, data }) => {
    const filled: { -readonly [K in keyof TemplateSource]: string } = {}
    for (const [field, text] of Object.entries(source)) {
      if (text.includes('{{fail}}')) {
        return { ok: false, code: 'template/failed', message: 'It cannot be rendered.' }
      }
      filled[field as keyof TemplateSource] = text.replaceAll(marker, (_, path: string) =>
        valueAt(data, path),
      )
    }
    return { ok: true, content: { body: '', ...filled } }
  },
})
