import { existsSync, readFileSync } from 'node:fs'
import { Script } from 'node:vm'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { isCluster, parseConfig } from '#src/config.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const text = read('docker-compose.yml')

interface ComposeService {
  readonly image: string
  readonly build?: string | { readonly dockerfile_inline: string }
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly networks: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly deploy?: { readonly resources: { readonly limits: Record<string, string> } }
}

const compose = parse(text, { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes: Readonly<Record<string, unknown>>
}
const services = Object.entries(compose.services)
const pabal = services.filter(([name]) => name.startsWith('pabal-'))

/** `${NAME:?what to do}`: compose stops with these words when .env does not have it. */
const demanded = [...text.matchAll(/\$\{(\w+):\?[^}]+\}/g)].map(([, name]) => name!)
const filled = (value: string): string => value.replaceAll(/\$\{\w+:\?[^}]+\}/g, 'x'.repeat(64))
const environmentOf = ({ environment = {} }: ComposeService) =>
  Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, filled(value)]))

describe('docker-compose.yml', () => {
  test('is what the Compose Specification allows', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
    const validate = ajv.compile(JSON.parse(read('test/support/compose/compose-spec.json')))
    validate(compose)
    expect(validate.errors ?? []).toEqual([])
  })

  test('runs two of each kind of process', () => {
    expect(pabal.map(([, { command }]) => command?.join(' '))).toEqual([
      'start --roles api,router,channels',
      'start --roles api,router,channels',
      'start --roles relay,projector,timekeeper',
      'start --roles relay,projector,timekeeper',
    ])
  })

  test.each(pabal)('gives %s settings that it takes', (_name, service) => {
    const config = parseConfig(environmentOf(service))
    expect(isCluster(config)).toBe(true)
    expect(config.sandboxUrl).toBe('http://sandbox:7080')
  })

  test('has receipts brought only to where the sandbox may go', () => {
    const hosts = pabal.map(
      ([, service]) => new URL(service.environment!.PABAL_PUBLIC_URL!).hostname,
    )
    const { command } = compose.services.sandbox!
    const allowed = command!.filter((_, index) => command![index - 1] === '--callback-host')
    expect(hosts.filter((host) => !allowed.includes(host))).toEqual([])
  })

  test('has Prometheus ask each of them', () => {
    const { scrape_configs: jobs } = parse(read('deploy/compose/prometheus.yml'))
    const targets = jobs[0].static_configs[0].targets as string[]
    expect(targets).toEqual(pabal.map(([name]) => `${name}:7070`))
  })

  test('publishes each port once, and only on this machine', () => {
    const ports = services.flatMap(([, each]) => each.ports ?? [])
    expect(ports.length).toBeGreaterThan(2)
    expect(ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([])
    expect(new Set(ports.map((port) => port.split(':')[1])).size).toBe(ports.length)
  })

  test('keeps the servers where nobody gets from outside', () => {
    for (const name of ['eventstoredb', 'nats', 'mongodb', 'sandbox']) {
      expect(compose.services[name]?.networks).toEqual(['inside'])
    }
  })

  test.each(services)('pins the image of %s, checks its health and limits it', (_name, service) => {
    expect(service.image).toMatch(/^[\w/.-]+:v?\d+\.\d+\.\d+(?:-[\w.]+)?$/)
    expect(service.healthcheck?.test.length).toBeGreaterThan(1)
    expect(Object.keys(service.deploy?.resources.limits ?? {}).sort()).toEqual(['cpus', 'memory'])
  })

  test('builds only from images that are pinned', () => {
    const inline = services.flatMap(([, { build }]) =>
      typeof build === 'object' ? [build.dockerfile_inline] : [],
    )
    const files = [...inline, read('Dockerfile')].join('\n')
    const names = new Set([...files.matchAll(/ AS (\w+)/g)].map(([, name]) => name))
    const images = [...files.matchAll(/^(?:FROM |ARG NODE_IMAGE=)(\S+)/gm)].map(([, from]) => from!)
    const foreign = images.filter((image) => !names.has(image) && !image.startsWith('$'))
    expect(foreign.length).toBeGreaterThan(2)
    expect(foreign.filter((image) => !/:\d+\.\d+\.\d+/.test(image))).toEqual([])
  })

  test('asks for health by programs that can be read', () => {
    const scripts = services.flatMap(([, { healthcheck }]) => {
      const { test: command } = healthcheck!
      return command[1] === 'node' ? [command[3]!] : []
    })
    expect(scripts).toHaveLength(5)
    for (const script of scripts) expect(() => new Script(script)).not.toThrow()
    const mongosh = compose.services.mongodb!.healthcheck!.test.at(-1)!
    expect(() => new Script(mongosh)).not.toThrow()
  })

  test('mounts files that are there, and volumes that it declares', () => {
    const sources = services.flatMap(([, { volumes = [] }]) =>
      volumes.map((each) => each.split(':')[0]!),
    )
    const files = sources.filter((source) => source.startsWith('.'))
    expect(files.filter((file) => !existsSync(new URL(file, root)))).toEqual([])
    const named = sources.filter((source) => !source.startsWith('.'))
    expect(new Set(named)).toEqual(new Set(Object.keys(compose.volumes)))
  })

  test('holds no secret, and its sample of .env names each that it asks for', () => {
    const lines = text.split('\n').filter((line) => /(?:SECRET|PASSWORD|TOKEN)\w*:/.test(line))
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.filter((line) => !line.includes(':?'))).toEqual([])
    const sample = read('deploy/compose/env.example')
    const named = [...sample.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value])
    expect(named.map(([name]) => name).sort()).toEqual([...new Set(demanded)].sort())
    expect(named.filter(([, value]) => value !== '')).toEqual([])
  })
})
