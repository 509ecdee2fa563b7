import { globSync, readFileSync } from 'node:fs'

export const root = new URL('../../', import.meta.url)

export const readPage = (path: string): string => readFileSync(new URL(path, root), 'utf8')

/** What is for readers: all of docs, and what lies beside it. */
export const pages: readonly string[] = [
  ...globSync('docs/**/*.md', { cwd: root }),
  ...['CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'deploy/README.md'],
].sort()

export interface Section {
  readonly title: string
  readonly text: string
}

/** The sections under headings of one level, with all that is below them. */
export const sectionsOf = (page: string, level: number): readonly Section[] => {
  const sections: { title: string; text: string }[] = []
  let current: { title: string; text: string } | undefined
  let fenced = false
  for (const line of page.split('\n')) {
    if (line.startsWith('```')) fenced = !fenced
    const heading = fenced ? null : /^(#+) (.*)$/.exec(line)
    if (heading && heading[1]!.length <= level) {
      current = undefined
      if (heading[1]!.length === level) {
        current = { title: heading[2]!.replaceAll('`', ''), text: '' }
        sections.push(current)
      }
    } else if (current) current.text += `${line}\n`
  }
  return sections
}

export interface Block {
  readonly page: string
  /** What stands behind the three backticks: the language, and what the block is for. */
  readonly info: string
  readonly text: string
}

export const blocksOf = (page: string): readonly Block[] =>
  [...readPage(page).matchAll(/^```([^\n]+)\n([\s\S]*?)^```$/gm)].map(([, info, text]) => ({
    page,
    info: info!.trim(),
    text: text!,
  }))

/** The sources of the service, without the sandbox, which speaks for others. */
export const sources: readonly { readonly path: string; readonly code: string }[] = globSync(
  'src/**/*.ts',
  { cwd: root },
)
  .filter((path) => !path.startsWith('src/sandbox/'))
  .map((path) => ({ path, code: readPage(path) }))
