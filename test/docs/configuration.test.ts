import { describe, expect, test } from 'vitest'
import { parseConfig, settings, variableOf } from '#src/config.ts'
import { configurationPage, envExample } from '../../docs/generate.ts'
import { blocksOf, pages, readPage } from './pages.ts'

const page = readPage('docs/configuration.md')
const variables = Object.keys(settings.properties).map(variableOf)
/** Names that are no settings: one shown as what not to do, and streams of NATS. */
const warnedOf = new Set(['PABAL_KEY', 'PABAL_WORK', 'PABAL_EVENTS'])

const others = [
  ...['README.md', '.env.example', 'Dockerfile', 'deploy/pabal.service'],
  ...['docker-compose.yml', 'deploy/compose/env.example'],
]

describe('the documentation of the settings', () => {
  test('is as `npm run docs` writes it', () => {
    expect(configurationPage(page)).toBe(page)
    expect(readPage('.env.example')).toBe(envExample())
  })

  test('has a row for every setting', () => {
    expect(variables.filter((variable) => !page.includes(`| \`${variable}\` |`))).toEqual([])
  })

  test.each([...pages, ...others])('names no setting that there is not: %s', (path) => {
    const named = readPage(path).matchAll(/\bPABAL_(?!TEST_|DANGEROUS_)[A-Z_]*[A-Z]\b/g)
    const unknown = [...named]
      .map(([name]) => name)
      .filter((name) => !variables.includes(name) && !warnedOf.has(name))
    expect(unknown).toEqual([])
  })

  test('shows secrets as secrets', () => {
    const secret = Object.entries(settings.properties).filter(([, each]) => 'secret' in each)
    expect(secret.length).toBeGreaterThan(0)
    for (const [name] of secret) {
      expect(page).toMatch(
        new RegExp(`\\| \`${variableOf(name)}\` \\| none; \\*\\*secret\\*\\* \\|`),
      )
    }
  })

  test('has an example of each provider that the settings take', () => {
    const examples = blocksOf('docs/configuration.md').filter(({ info }) => info === 'sh env')
    expect(examples.length).toBeGreaterThan(3)
    for (const { text } of examples) {
      const env = Object.fromEntries(
        text
          .trim()
          .split('\n')
          .map((line) => line.split('=', 2)),
      )
      expect(() => parseConfig(env)).not.toThrow()
    }
  })

  test('gives defaults in .env.example that the settings take', () => {
    const lines = readPage('.env.example').matchAll(/^#(PABAL_\w+)=(.+)$/gm)
    const env = Object.fromEntries([...lines].map(([, name, value]) => [name!, value!]))
    expect(parseConfig(env)).toEqual(parseConfig({}))
  })
})
