import { describe, expect, test } from 'vitest'
import { openApi, type TestApi } from '../support/api.ts'
import { blocksOf, pages, readPage } from './pages.ts'

interface Example {
  readonly method: 'POST' | 'PUT'
  readonly path: string
  readonly body: string
}

/** ```json POST /v1/… */
const examplesIn = (page: string): readonly Example[] =>
  blocksOf(page).flatMap(({ info, text }) => {
    const [, method, path] = /^json (POST|PUT) (\S+)$/.exec(info) ?? []
    return path ? [{ method: method as Example['method'], path, body: text }] : []
  })

/** curl … -d '…'; those whose path needs an earlier answer are left out. */
const curlsIn = (page: string): readonly Example[] =>
  blocksOf(page)
    .filter(({ info }) => info === 'sh')
    .flatMap(({ text }) => text.replaceAll('\\\n', ' ').split(/^(?=curl )/m))
    .flatMap((line) => {
      const [, path] = /localhost:7070(\/v1[^\s"'$]*)/.exec(line) ?? []
      const [, body] = /-d '([^']*)'/.exec(line) ?? []
      const [, method = 'POST'] = /-X (PUT|POST)/.exec(line) ?? []
      return path && body ? [{ method: method as Example['method'], path, body }] : []
    })

const run = async (api: TestApi, examples: readonly Example[]) => {
  const answers: string[] = []
  for (const { method, path, body } of examples) {
    const answer = await api.ask(method, path, body)
    answers.push(
      `${method} ${path} ${answer.statusCode} ${answer.statusCode < 300 ? '' : answer.body}`,
    )
  }
  return answers
}

const asked = pages.filter((page) => examplesIn(page).length > 0)

describe('the examples of requests', () => {
  test('are in the documents that should have them', () => {
    expect(asked).toEqual([
      'docs/architecture.md',
      'docs/configuration.md',
      'docs/runbook.md',
      'docs/templates.md',
    ])
  })

  test.each(asked)('are taken by the API: %s', async (page) => {
    await using api = await openApi()
    for (const answer of await run(api, examplesIn(page))) expect(answer).toMatch(/ 20[02] $/)
  })

  test('are taken by the API: the curl lines of README.md', async () => {
    await using api = await openApi()
    const examples = curlsIn('README.md')
    expect(examples.length).toBeGreaterThan(3)
    for (const answer of await run(api, examples)) expect(answer).toMatch(/ 20[02] $/)
  })
})

describe('the recorded events that are shown', () => {
  const shown = pages
    .flatMap((page) => blocksOf(page))
    .filter(({ info }) => info.startsWith('json recorded '))

  test('are there', () => expect(shown.length).toBeGreaterThan(0))

  test.each(shown)('are recorded ones: $info', ({ info, text }) => {
    const [kind, name] = info.slice('json recorded '.length).split('/')
    const recorded = readPage(`test/domain/${kind}/recorded/${name}.json`)
    expect(JSON.parse(text)).toEqual(JSON.parse(recorded))
  })
})

describe('every block of JSON in the documents', () => {
  const blocks = pages.flatMap((page) => blocksOf(page)).filter(({ info }) => /^json\b/.test(info))

  test.each(blocks)('can be read: $page $info', ({ text }) => {
    expect(() => JSON.parse(text)).not.toThrow()
  })
})
