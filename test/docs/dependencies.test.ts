import { describe, expect, test } from 'vitest'
import { readPage, sectionsOf } from './pages.ts'

const sections = sectionsOf(readPage('docs/dependencies.md'), 2)
const rowsOf = (title: string): readonly (readonly [string, string])[] =>
  [
    ...(sections.find((each) => each.title === title)?.text ?? '').matchAll(
      /^\| `([^`]+)` \| (.*) \|$/gm,
    ),
  ].map(([, name, why]) => [name!, why!])

const manifest = JSON.parse(readPage('package.json')) as Record<
  'dependencies' | 'devDependencies',
  Readonly<Record<string, string>>
>

describe.each([
  ['At run time', manifest.dependencies],
  ['For development', manifest.devDependencies],
] as const)('docs/dependencies.md, "%s"', (title, packages) => {
  test('has a row for each package, and no other', () => {
    expect(rowsOf(title).map(([name]) => name)).toEqual(Object.keys(packages).sort())
  })

  test('says why each is there', () => {
    expect(rowsOf(title).filter(([, why]) => why.length < 20)).toEqual([])
  })

  test('goes with versions that are exact', () => {
    expect(Object.values(packages).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual(
      [],
    )
  })
})
