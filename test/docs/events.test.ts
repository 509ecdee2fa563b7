import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { suppressionReasons } from '#domain/notification/events.ts'
import { notificationStatuses } from '#domain/notification/status.ts'
import { readPage, root, sectionsOf, sources } from './pages.ts'

const page = readPage('docs/events.md')
const sections = sectionsOf(page, 3)
const textOf = (type: string): string => sections.find(({ title }) => title === type)?.text ?? ''

/** One recorded example of every type and version: another test keeps them complete. */
const examples = globSync('test/domain/*/recorded/*.json', { cwd: root }).map((path) => ({
  type: basename(path).split('.')[0]!,
  fact: JSON.parse(readPage(path)) as { data: object; personal?: object },
}))

const inSources = new Set(
  sources.flatMap(({ code }) =>
    [
      ...code.matchAll(
        /'((?:Notification|Recipient|Address|Template|App|Callback|Log|Recovery)[A-Z]\w+)'/g,
      ),
    ].map(([, type]) => type!),
  ),
)

describe('docs/events.md', () => {
  test('has a paragraph for every type of event in the sources', () => {
    const documented = new Set(sections.map(({ title }) => title))
    const known = [...inSources, ...examples.map(({ type }) => type)]
    expect(known.filter((type) => !documented.has(type))).toEqual([])
  })

  test('tells of no event that is not in the sources', () => {
    expect(sections.map(({ title }) => title).filter((type) => !inSources.has(type))).toEqual([])
  })

  test.each(examples)('names every field of $type', ({ type, fact }) => {
    const fields = [...Object.keys(fact.data), ...Object.keys(fact.personal ?? {})]
    expect(fields.filter((field) => !textOf(type).includes(`\`${field}\``))).toEqual([])
  })

  test.each(examples)('says what of $type is personal', ({ type, fact }) => {
    expect(textOf(type).includes('Personal:')).toBe(fact.personal !== undefined)
  })

  test.each(notificationStatuses)('explains the status %s', (status) => {
    expect(page).toMatch(new RegExp(`^\\| .*\`${status}\``, 'm'))
  })

  test.each(suppressionReasons)('names the reason %s', (reason) => {
    expect(page).toContain(`\`${reason}\``)
  })
})
