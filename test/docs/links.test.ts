import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { blocksOf, pages, readPage, root, sources } from './pages.ts'

const everything = [...pages, 'README.md']

/** As GitHub makes anchors of headings. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-')

const anchorsOf = (page: string): readonly string[] =>
  [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!))

const brokenIn = (path: string): readonly string[] => {
  const here = new URL(path, root)
  const links = readPage(path).matchAll(/\]\((?!https?:)([^)\s]*?)(?:#([^)]*))?\)/g)
  return [...links].flatMap(([link, file = '', anchor]) => {
    const target = file === '' ? here : new URL(file, here)
    if (!existsSync(target)) return [link]
    if (anchor === undefined) return []
    const found = anchorsOf(readPage(target.pathname.slice(root.pathname.length)))
    return found.includes(anchor) ? [] : [link]
  })
}

/** What belongs to whoever writes Pabal, not to whoever reads about it. */
const inside = /\.\.\/shared|\/work\/|(?<![\w-])(?:providers|facts|design|style|security)\.md\b/

describe.each(everything)('%s', (path) => {
  test('has no link that leads nowhere', () => {
    expect(brokenIn(path)).toEqual([])
  })

  test('leaves no figure to be filled in', () => {
    expect(readPage(path).match(/@[A-Z0-9]+@|\bT(?:ODO|BD)\b/)?.[0]).toBeUndefined()
  })

  test('names nothing that a reader does not have', () => {
    expect(readPage(path).match(inside)?.[0]).toBeUndefined()
  })
})

describe('the commands in the documents', () => {
  const help = sources
    .filter(({ path }) => path.startsWith('src/cli/') || path === 'src/main.ts')
    .map(({ code }) => code)
    .join('\n')
  const verbs = new Set(
    [...help.matchAll(/\.\/pabal ([a-z]+(?: [a-z]+)?)/g)].map(([, command]) => command!),
  )
  const names = new Set([...help.matchAll(/^ {2}([a-z]+): \{$/gm)].map(([, name]) => name!))
  const used = everything
    .flatMap((path) => blocksOf(path))
    .filter(({ info }) => info.startsWith('sh'))
    .flatMap(({ page, text }) =>
      [...text.matchAll(/(?:\.\/pabal|pabal\/pabal|main\.ts) ([a-z]+)(?: ([a-z]+)\b)?/g)].map(
        ([, name, verb]) => ({ page, name: name!, verb }),
      ),
    )

  test('are those that there are', () => {
    expect(used.length).toBeGreaterThan(10)
    const wrong = used.filter(({ name, verb }) => {
      const hasVerbs = [...verbs].some((each) => each.startsWith(`${name} `))
      return !names.has(name) || (hasVerbs && !verbs.has(`${name} ${verb}`))
    })
    expect(wrong).toEqual([])
  })
})
