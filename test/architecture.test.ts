import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import { describe, expect, test } from 'vitest'

// Style.md, "The tree", as a test. Biome and the compiler check the rest.

const root = new URL('..', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const filesIn = (...folders: readonly string[]): readonly string[] =>
  folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root })).sort()

/**
 * What a file in a place may import; the longest place that fits counts. An entry is a path in src (a folder
 * ends with `/`), a package, or `node:…`; `type ` before it allows types alone. `*` is the file's own folder.
 */
const table: Readonly<Record<string, readonly string[]>> = {
  'domain/': ['domain/'],
  'domain/identity.ts': ['domain/', 'node:crypto'],
  'ports/': ['domain/', 'ports/'],
  'projections/': ['domain/', 'ports/', 'projections/projection.ts', 'projections/*'],
  'projections/all.ts': ['projections/'],
  'handlers/': ['domain/', 'ports/', 'projections/', 'handlers/'],
  'api/': [
    ...['domain/', 'ports/', 'handlers/', 'projections/', 'api/'],
    ...['fastify', '@fastify/', 'typebox', 'node:stream'],
  ],
  'adapters/': ['domain/', 'ports/', 'node:', 'adapters/*'],
  'sandbox/': ['sandbox/', 'node:', 'selfsigned', 'undici'],
  'cli/': ['**'],
  'app.ts': ['**'],
  'app/': ['**'],
  'main.ts': ['**'],
  'contradictions.ts': [],
  'config.ts': ['contradictions.ts', 'typebox', 'ports/secret.ts', 'type domain/'],
}

/** The driver of each adapter; those that speak HTTP share the wire. */
const drivers: Readonly<Record<string, readonly string[]>> = {
  wire: ['undici'],
  apns: ['apns2', 'undici', 'adapters/wire/'],
  fcm: ['firebase-admin', 'undici', 'adapters/wire/'],
  twilio: ['twilio', 'undici', 'adapters/wire/'],
  sendgrid: ['@sendgrid/', 'undici', 'adapters/wire/'],
  handlebars: ['handlebars'],
  pino: ['pino'],
  opentelemetry: ['@opentelemetry/'],
  eventstoredb: ['@eventstore/db-client'],
  nats: ['nats'],
  mongodb: ['mongodb'],
}

interface Token {
  readonly kind: 'name' | 'text' | 'sign'
  readonly value: string
}

const lexeme = new RegExp(
  [
    String.raw`(?<skip>\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|^#![^\n]*)`,
    String.raw`(?<name>[\p{ID_Start}$_#@][\p{ID_Continue}$]*)`,
    String.raw`(?<text>'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*")`,
    String.raw`(?<number>\d[\w.]*)`,
    String.raw`(?<sign>[\s\S])`,
  ].join('|'),
  'uy',
)
const regex = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/uy
/** After these a slash begins a regular expression; after anything else it divides. */
const beforeRegex = /^(?:[(,=:[!&|?{};+\-*%<>~^]|return|typeof|case|in|of|await|yield)$/

/** Comments and regular expressions are gone; of templates, the code inside them is kept. */
const tokensOf = (code: string): readonly Token[] => {
  const tokens: Token[] = []
  /** Open braces in each template literal around; the innermost last. */
  const braces: number[] = []
  let at = 0
  const matchAt = (pattern: RegExp) => {
    pattern.lastIndex = at
    const match = pattern.exec(code)
    if (match) at = pattern.lastIndex
    return match
  }
  const template = () => {
    const from = at
    while (at < code.length && code[at] !== '`' && !code.startsWith('${', at)) {
      at += code[at] === '\\' ? 2 : 1
    }
    tokens.push({ kind: 'text', value: code.slice(from, at) })
    if (code.startsWith('${', at)) braces.push(0)
    at += code[at] === '`' ? 1 : 2
  }
  while (at < code.length) {
    const last = tokens.at(-1)
    const divides = last !== undefined && !(last.kind !== 'text' && beforeRegex.test(last.value))
    const comment = code.startsWith('//', at) || code.startsWith('/*', at)
    if (code[at] === '/' && !comment && !divides && matchAt(regex)) {
      tokens.push({ kind: 'text', value: '' })
      continue
    }
    const { skip, name, text, sign } = matchAt(lexeme)!.groups!
    if (skip !== undefined) continue
    if (name !== undefined) tokens.push({ kind: 'name', value: name })
    else if (text !== undefined) tokens.push({ kind: 'text', value: text.slice(1, -1) })
    else if (sign === '`') template()
    else if (sign === '}' && braces.at(-1) === 0) {
      braces.pop()
      template()
    } else {
      if (braces.length > 0 && sign === '{') braces[braces.length - 1]! += 1
      if (braces.length > 0 && sign === '}') braces[braces.length - 1]! -= 1
      tokens.push({ kind: 'sign', value: sign ?? '0' })
    }
  }
  return tokens
}

interface Import {
  readonly from: string
  readonly typeOnly: boolean
}

const loaders: ReadonlySet<string> = new Set(['import', 'require', 'getBuiltinModule'])

/** Everything that loads a module, also as a type, by a call, or as a worker. */
const importsOf = (code: string): readonly Import[] => {
  const tokens = tokensOf(code)
  const found: Import[] = []
  tokens.forEach(({ kind, value }, index) => {
    const [next, after, end] = tokens.slice(index + 1, index + 4)
    const called = next?.value === '(' && next.kind === 'sign'
    const member = value === 'require' && tokens[index - 1]?.value === '.'
    if (kind !== 'name') return
    if (loaders.has(value) && called && !member) {
      const whole = after?.kind === 'text' && (end?.value === ')' || end?.value === ',')
      found.push({ from: whole ? after.value : '(computed)', typeOnly: false })
    } else if (value === 'createRequire' && called) {
      // createRequire ( import . meta . url ) ( '…' )
      const text = tokens[index + 9]
      if (text?.kind === 'text') found.push({ from: text.value, typeOnly: false })
    } else if (value === 'URL' && after?.kind === 'text' && after.value.endsWith('.ts')) {
      found.push({ from: after.value.replace(/^(?!\.)/, './'), typeOnly: false })
    } else if (value === 'import' && next?.kind === 'text') {
      found.push({ from: next.value, typeOnly: false })
    } else if (value === 'from' && next?.kind === 'text') {
      const start = tokens.findLastIndex(
        (each, place) =>
          place < index && each.kind === 'name' && /^(?:import|export)$/.test(each.value),
      )
      found.push({ from: next.value, typeOnly: tokens[start + 1]?.value === 'type' })
    }
  })
  return found
}

const aliases = Object.entries(
  (JSON.parse(read('package.json')) as { imports: Record<string, string> }).imports,
).map(([alias, path]) => [alias.replace('*', ''), path.replace(/^\.\/src\/|\*$/g, '')] as const)

/** A path in src, or a package or `node:` module as it is. */
const targetOf = (file: string, from: string): string => {
  if (from.startsWith('.')) return join(dirname(file), from)
  const [alias, path] = aliases.find(([name]) => from.startsWith(name)) ?? []
  return alias === undefined ? from : path + from.slice(alias.length)
}

const longest = (places: readonly string[], file: string): string | undefined =>
  places
    .filter((place) => (place.endsWith('/') ? file.startsWith(place) : file === place))
    .sort((a, b) => b.length - a.length)[0]

const allowedFor = (file: string): readonly string[] => {
  const [layer, folder = ''] = file.split('/')
  const place = longest(Object.keys(table), file)
  if (place === undefined) return []
  const own = file.split('/').length > 2 ? `${layer}/${folder}/` : file
  const allowed = table[place]!.map((entry) => entry.replace(/^\w+\/\*$/, own))
  return layer === 'adapters' ? [...allowed, ...(drivers[folder] ?? [])] : allowed
}

const fits = (entry: string, target: string, typeOnly: boolean): boolean => {
  if (entry.startsWith('type ')) return typeOnly && fits(entry.slice(5), target, typeOnly)
  if (entry === '**') return target !== '(computed)'
  if (entry.endsWith('/') || entry === 'node:') return target.startsWith(entry)
  return target === entry || target.startsWith(`${entry}/`)
}

/** The folder in src; what lies beside the folders, and what puts all together, is at home in none. */
const homeOf = (path: string): string =>
  /^(?:[^/]+$|app\/|cli\/|\.\.)/.test(path) ? '' : top(path)
const top = (path: string): string => path.split('/')[0]!

/** An import that leads to the right place in the wrong way. */
const misspelt = (file: string, from: string): string | undefined => {
  const home = homeOf(file)
  const away = homeOf(targetOf(file, from))
  if (from.startsWith('.') && home !== '' && away !== '' && home !== away) return 'needs an alias'
  return /^[.#]/.test(from) && !/\.(?:ts|json)$/.test(from) ? 'lacks its .ts' : undefined
}

/** What is wrong with the imports of a file in src; its path is relative to src. */
const escapes = (file: string, code: string): readonly string[] =>
  importsOf(code).flatMap(({ from, typeOnly }) => {
    const wrong = misspelt(file, from)
    if (wrong) return [`${file}: ${from} ${wrong}`]
    const target = targetOf(file, from)
    const allowed = allowedFor(file).some((entry) => fits(entry, target, typeOnly))
    return allowed ? [] : [`${file} may not import ${from}`]
  })

/** Runs of tokens that must not occur. */
const occurs = (code: string, patterns: readonly RegExp[]): readonly string[] => {
  const line = tokensOf(code)
    .map(({ kind, value }) => (kind === 'text' ? `'${value.replace(/\s/g, '_')}'` : value))
    .join(' ')
  return patterns.flatMap((pattern) => line.match(pattern)?.[0] ?? [])
}

const timeAndChance = [
  /\bDate \. now\b/,
  /\bnew Date(?! \( [^)])/,
  /\bDate \( \)|(?<!new )\bDate \(/,
  /\bMath \. random\b/,
  /\bperformance \. now\b/,
  /\bcrypto \. (?:randomUUID|getRandomValues)\b/,
  /\bhrtime\b/,
]
const environment = [
  /\bprocess \. env\b/,
  /\bprocess \[/,
  /= process\b(?! \.)/,
  /'(?:node:)?process'/,
]
const focus = [/\. (?:only|todo)\b/]

const src = filesIn('src').map((path) => path.slice('src/'.length))
const tests = filesIn('test')
const named = filesIn('src', 'test', 'bench', 'campaigns', 'deploy')

describe('the sources', () => {
  test('import only what the table of the style guide allows', () => {
    expect(src.flatMap((file) => escapes(file, read(`src/${file}`)))).toEqual([])
  })

  test('have every file in a place that the table knows', () => {
    expect(src.filter((file) => longest(Object.keys(table), file) === undefined)).toEqual([])
  })

  test('read the environment in one place', () => {
    const allowed = ['config.ts', 'main.ts']
    const readers = src
      .filter((file) => !allowed.includes(file))
      .filter((file) => occurs(read(`src/${file}`), environment).length > 0)
    expect(readers).toEqual([])
  })

  test('ask neither the clock nor chance where decisions are made', () => {
    const deciding = src.filter((file) => /^(?:domain|handlers|projections|api)\//.test(file))
    const asking = deciding.flatMap((file) =>
      occurs(read(`src/${file}`), timeAndChance).map((found) => `${file}: ${found}`),
    )
    expect(asking).toEqual([])
  })
})

const linesOf = (path: string) => read(path).trimEnd().split('\n').length
const limitOf = (path: string) => (path.startsWith('test/') ? 500 : 300)
const kebab = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
const vague = new Set(['index', 'utils', 'helpers', 'common', 'service'])
const partsOf = (path: string) =>
  path
    .replace(/\.ts$/, '')
    .replace(/\.test$/, '')
    .split('/')

const badName = (path: string): boolean =>
  partsOf(path).some((part) => !kebab.test(part) || vague.has(part))

describe('every file', () => {
  test('is of a size that can be read in one go', () => {
    const tooLong = named.filter((path) => linesOf(path) > limitOf(path))
    expect(tooLong.map((path) => `${path}: ${linesOf(path)} lines`)).toEqual([])
  })

  test('is named in kebab-case for what it holds', () => {
    expect(named.filter(badName)).toEqual([])
  })
})

test('no test runs alone or is left to be written', () => {
  const own = 'test/architecture.test.ts'
  const others = tests.filter((path) => path !== own)
  expect(others.filter((path) => occurs(read(path), focus).length > 0)).toEqual([])
})

describe('the scanner', () => {
  const caught: readonly (readonly [string, string])[] = [
    ['domain/a.ts', "import { readFile } from 'node:fs'"],
    ['domain/a.ts', "import 'node:crypto'"],
    ['domain/a.ts', "import type { Clock } from '#ports/clock.ts'"],
    ['domain/a.ts', "import {\n  type Clock,\n} from '#ports/clock.ts'"],
    ['domain/a.ts', "export * from '#ports/clock.ts'"],
    ['domain/a.ts', "export type { Clock } from '#ports/clock.ts'"],
    ['domain/a.ts', "export * as clocks from '#ports/clock.ts'"],
    ['domain/a.ts', "const fs = await import('node:fs')"],
    ['domain/a.ts', "const fs = await import(/* why */ 'node:fs')"],
    ['domain/a.ts', 'const fs = await import(`node:fs`)'],
    ['domain/a.ts', "const fs = await import('node:' + 'fs')"],
    ['domain/a.ts', 'const fs = await import(name)'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the planted code is a template
    ['domain/a.ts', "const text = `${await import('node:fs')}`"],
    ['domain/a.ts', "const fs: typeof import('node:fs') = x"],
    ['domain/a.ts', "const fs = require('node:fs')"],
    ['domain/a.ts', "process.getBuiltinModule('fs')"],
    ['domain/a.ts', "createRequire(import.meta.url)('fastify')"],
    ['domain/a.ts', "const url = 'http://x' // y\nimport 'fastify'"],
    ['domain/a.ts', "const pattern = /'/\nimport 'fastify'"],
    ['domain/a.ts', "const half = a / 2 / b\nimport 'fastify'"],
    ['domain/a.ts', "import { open } from '../adapters/sqlite/open.ts'"],
    ['domain/a.ts', "import { config } from '#src/config.ts'"],
    ['domain/a.ts', "new Worker(new URL('../adapters/x/worker.ts', import.meta.url))"],
    ['domain/a.ts', "new Worker(new URL('worker.js', import.meta.url)); import 'node:os'"],
    ['domain/a.ts', "import { b } from './b'"],
    ['ports/a.ts', "import { b } from '../domain/b.ts'"],
    ['domain/a/b.ts', "import { b } from '../../../test/support/given.ts'"],
    ['ports/a.ts', "import { a } from '#handlers/a.ts'"],
    ['projections/a/b.ts', "import { c } from '../c/d.ts'"],
    ['projections/a/b.ts', "import { c } from '#projections/c/d.ts'"],
    ['projections/a.ts', "import { c } from '#handlers/c.ts'"],
    ['handlers/a.ts', "import { b } from '#api/b.ts'"],
    ['handlers/a.ts', "import { b } from '#adapters/memory/b.ts'"],
    ['api/a.ts', "import { b } from '#adapters/memory/b.ts'"],
    ['api/a.ts', "import { readFile } from 'node:fs/promises'"],
    ['api/a.ts', "import x from 'fastify-extra'"],
    ['adapters/memory/a.ts', "import { b } from '#adapters/sqlite/b.ts'"],
    ['adapters/memory/a.ts', "import { b } from '../wire/b.ts'"],
    ['adapters/sqlite/a.ts', "import { b } from 'undici'"],
    ['adapters/apns/a.ts', "import { b } from 'firebase-admin/app'"],
    ['adapters/apns/a.ts', "import { b } from '#handlers/b.ts'"],
    ['sandbox/a.ts', "import type { Channel } from '#ports/channel.ts'"],
    ['config.ts', "import { channels } from '#domain/notification/events.ts'"],
    ['config.ts', "import { systemClock } from '#ports/clock.ts'"],
    ['main.ts', 'await import(name)'],
    ['stray.ts', "import 'node:fs'"],
  ]
  test.each(caught)('catches in %s: %s', (file, code) => {
    expect(escapes(file, code)).toHaveLength(1)
  })

  const fine: readonly (readonly [string, string])[] = [
    ['domain/a/b.ts', "import { c } from '../c/d.ts'"],
    ['domain/identity.ts', "import { hash } from 'node:crypto'"],
    ['domain/a.ts', "// import 'node:fs'\n/* import 'node:fs' */"],
    ['domain/a.ts', `const text = "import 'node:fs'"`],
    ['domain/a.ts', "const text = `import('node:fs')`"],
    ['domain/a.ts', "const list = Array.from('abc')\nconst mail = { from: 'node:fs' }"],
    ['domain/a.ts', "const pattern = /import 'node:fs'/"],
    ['projections/a/b.ts', "import { c } from './c.ts'"],
    ['api/a.ts', "import { Readable } from 'node:stream'\nimport x from '@fastify/swagger'"],
    ['adapters/apns/a.ts', "import { post } from '../wire/post.ts'\nimport x from 'undici'"],
    ['adapters/sqlite/a.ts', "import { DatabaseSync } from 'node:sqlite'"],
    ['config.ts', "import type { Channel } from '#domain/notification/events.ts'"],
    ['config.ts', "import { Type } from 'typebox'\nimport { Secret } from '#ports/secret.ts'"],
    ['cli/start.ts', "await import('#sandbox/start.ts')"],
    ['main.ts', "import { parseConfig } from './config.ts'"],
    ['main.ts', "await import('../bench/main.ts')"],
    ['projections/a/b.ts', "import type { Projection } from '../projection.ts'"],
    ['domain/a.ts', 'walk.require(path)'],
  ]
  test.each(fine)('lets pass in %s: %s', (file, code) => {
    expect(escapes(file, code)).toEqual([])
  })

  test.each([
    ['Date.now()', timeAndChance],
    ['new Date()', timeAndChance],
    ['new Date', timeAndChance],
    ['Date()', timeAndChance],
    ['globalThis.Date.now()', timeAndChance],
    ['const { now } = Date, x = Math . random()', timeAndChance],
    ['performance.now()', timeAndChance],
    ['process.hrtime.bigint()', timeAndChance],
    ['crypto.randomUUID()', timeAndChance],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the planted code is a template
    ['`${Date.now()}`', timeAndChance],
    ['process.env.HOME', environment],
    ["process['env']", environment],
    ['const { env } = process', environment],
    ["import { env } from 'node:process'", environment],
    ['globalThis.process.env', environment],
    ["test.only('x', () => {})", focus],
    ["describe.concurrent.only('x', () => {})", focus],
    ["test.todo('x')", focus],
  ] as const)('finds what is forbidden in: %s', (code, patterns) => {
    expect(occurs(code, patterns)).not.toEqual([])
  })

  test.each([
    ['new Date(ms).toISOString()', timeAndChance],
    ['Date.parse(text)', timeAndChance],
    ["'Date.now()' // new Date()", timeAndChance],
    ['const updated = lastUpdate(x)', timeAndChance],
    ['clock.now()', timeAndChance],
    ["process.on('exit', stop)", environment],
    ['const text = only', focus],
  ] as const)('does not mind: %s', (code, patterns) => {
    expect(occurs(code, patterns)).toEqual([])
  })

  test.each(['src/a/index.ts', 'src/utils/a.ts', 'src/myFile.ts', 'test/A.test.ts', 'src/a_b.ts'])(
    'minds the name %s',
    (path) => expect(badName(path)).toBe(true),
  )
})
