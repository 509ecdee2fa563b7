import { describe, expect, test } from 'vitest'
import { problems } from '#api/problems.ts'
import { codesInSources } from './codes.ts'
import { readPage, sectionsOf } from './pages.ts'

const sections = sectionsOf(readPage('docs/errors.md'), 3)
const documented = sections.map(({ title }) => title)
const found = codesInSources()

describe('docs/errors.md', () => {
  test('has a paragraph for every code in the sources', () => {
    const missing = [...found].filter(([code]) => !documented.includes(code))
    expect(missing.map(([code, path]) => `${code} (${path})`)).toEqual([])
  })

  test('tells of no code that is not in the sources', () => {
    expect(documented.filter((code) => !found.has(code))).toEqual([])
  })

  test('tells of each code once, and says something of it', () => {
    expect(documented).toEqual([...new Set(documented)])
    expect(sections.filter(({ text }) => text.trim().length < 30)).toEqual([])
  })

  test.each(Object.entries(problems))('gives %s the status that the API gives it', (code, row) => {
    expect(sections.find(({ title }) => title === code)?.text).toContain(`HTTP ${row.status}`)
  })
})

describe('the collector of codes', () => {
  test.each([
    'event-id/reused',
    'request/not-json',
    'store/disk-full',
    'data-dir/locked',
    'start/port',
    'renderer/full',
    'template/too-slow',
    'provider/paused',
    'no-answer',
    'fence-too-old',
    'deadline',
    'opted-out',
  ])('finds %s', (code) => {
    expect([...found.keys()]).toContain(code)
  })
})
