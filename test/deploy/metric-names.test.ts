import { globSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { prometheusName, sampleNames } from '#adapters/opentelemetry/prometheus-text.ts'
import { suppressionCauses } from '#domain/address/address.ts'
import { priorities } from '#domain/notification/events.ts'
import { notificationStatuses } from '#domain/notification/status.ts'
import { allProjections } from '#projections/all.ts'
import { followersOf, gaugeSources } from '#src/app/telemetry/gauges.ts'
import { allInstruments } from '#src/app/telemetry/instruments.ts'
import { createTelemetry } from '#src/app/telemetry/telemetry.ts'
import { readPage, root } from '../docs/pages.ts'
import { request as apiRequest, openApi } from '../support/api.ts'
import { createWorld, openService } from '../support/open-service.ts'
import { addPerson, request, toPhone } from '../support/people.ts'

/** Everything that metrics tell of happens, then they are scraped. */
const scrape = async (): Promise<string> => {
  const world = createWorld()
  const telemetry = createTelemetry({ clock: world.clock, log: () => undefined })
  await using service = await openService({ world, telemetry })
  const { core, queue, reactions } = service
  const { credentials } = reactions
  const followers = () => followersOf(core.projector.lastProgress, reactions.relayed)
  const broken = {
    name: 'broken',
    observe: () => {
      throw new Error('no answer')
    },
  }
  telemetry.observe([broken, ...gaugeSources({ ...core, queue, credentials, followers })])

  await addPerson(service, { devices: { phone: 'ios' } })
  await service.send(request({ to: { userId: 'nobody' } }))
  const dead = { is: 'endpoint-invalid', code: '410', reason: 'Gone.' } as const
  world.apns.answerOnce(dead)
  await service.send(request({ channels: ['push'] }))
  world.twilio.answerOnce({ is: 'ambiguous', code: 'reset', reason: 'It broke.' })
  await service.send(toPhone())
  await service.quiet(120_000, { accepted: true })
  await service.receipt(world.twilio.sent.at(-1)!, { is: 'delivered' })
  const mail = { to: { email: 'mina@example.org' } }
  await service.send(request(mail))
  await service.quiet(120_000, { accepted: true })
  const complaint = { is: 'complaint', code: 'spam', reason: 'Spam.' } as const
  await service.receipt(world.sendgrid.sent.at(-1)!, complaint)
  await service.advance(2_000)

  await using api = await openApi({ metrics: telemetry.metrics })
  await api.ask('POST', '/v1/notifications', apiRequest())
  await service.advance(2_000)
  return (await api.ask('GET', '/metrics')).body
}

let scraped = ''
beforeAll(async () => {
  scraped = await scrape()
})

const exported = (text: string): ReadonlySet<string> =>
  new Set([...text.matchAll(/^([a-z][a-z0-9_]*)(?:\{| )/gm)].map(([, name]) => name!))

const labels = new Set(
  allInstruments.flatMap(({ attributes }) =>
    attributes.map((each) => each.replaceAll(/[^a-zA-Z0-9_]/g, '_')),
  ),
)

/** The expressions of all dashboards and rules, each with where it stands. */
const expressions: readonly (readonly [string, string])[] = [
  ...globSync('deploy/grafana/dashboards/*.json', { cwd: root }).flatMap((path) =>
    [...readPage(path).matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)].map(
      ([, text]) => [path, JSON.parse(text!) as string] as const,
    ),
  ),
  ...parse(readPage('deploy/prometheus/alerts.yml')).groups.flatMap(
    (group: { rules: readonly { alert: string; expr: string }[] }) =>
      group.rules.map(({ alert, expr }) => [alert, expr] as const),
  ),
]

/** Names that can only be ours: texts in quotes are values, `le`, `job` and `instance` are everybody's. */
const namesIn = (expression: string): readonly string[] =>
  expression.replaceAll(/"[^"]*"/g, '').match(/\b(?:pabal|http|process|nodejs|v8js)_\w+/g) ?? []

/** A value of a label that there is not would never be found. */
const known: Readonly<Record<string, readonly string[]>> = {
  pabal_status: notificationStatuses,
  pabal_priority: priorities,
  pabal_cause: suppressionCauses,
  pabal_reason: ['requested', 'endpoint-invalid', 'replaced'],
  pabal_outcome: ['delivered', 'accepted'],
  pabal_follower: ['relay', ...allProjections.map((each) => each.name)],
  pabal_event_type: globSync('test/domain/*/recorded/*.json', { cwd: root }).map(
    (path) => /(\w+)\.v\d+\.json$/.exec(path)![1]!,
  ),
}

describe('dashboards and alerts', () => {
  test('are there', () => {
    expect(globSync('deploy/grafana/dashboards/*.json', { cwd: root })).toHaveLength(4)
    expect(expressions.length).toBeGreaterThan(40)
  })

  test.each(expressions)('%s asks only for what is exported: %s', (_where, expression) => {
    const names = namesIn(expression).filter((name) => !labels.has(name))
    expect(names.filter((name) => !exported(scraped).has(name))).toEqual([])
    const asked = [...expression.matchAll(/(pabal_\w+)(?:=|=~|!~)"([^"]*)"/g)]
    const strange = asked.flatMap(([, label, values]) =>
      values!.split('|').filter((value) => !known[label!]?.includes(value)),
    )
    expect(strange).toEqual([])
  })

  test('leave no metric of the service unseen', () => {
    const used = new Set(expressions.flatMap(([, expression]) => namesIn(expression)))
    const unseen = allInstruments.filter(
      (each) => !sampleNames(each).some((name) => used.has(name)),
    )
    expect(unseen.map((each) => each.name)).toEqual(['v8js.gc.duration'])
  })
})

describe('what is scraped', () => {
  test('has every instrument', () => {
    const silent = allInstruments.filter(
      (each) => !sampleNames(each).every((name) => exported(scraped).has(name)),
    )
    // Whether garbage is collected between two looks is not ours to say.
    expect(silent.map((each) => each.name).filter((name) => !name.startsWith('v8js'))).toEqual([])
  })

  test('says of each what it is, once', () => {
    for (const name of exported(scraped)) {
      const of = name.replace(/_(?:bucket|sum|count)$/, '')
      expect(
        scraped.split(`\n# HELP ${of} `).length + Number(scraped.startsWith(`# HELP ${of} `)),
      ).toBe(2)
    }
  })

  test('adds up: accepted is the sum of all statuses', () => {
    const values = (name: string) =>
      [...scraped.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].map(([, value]) =>
        Number(value),
      )
    const sum = values('pabal_notifications').reduce((total, each) => total + each, 0)
    expect(sum).toBeGreaterThanOrEqual(4)
    expect(values('pabal_notifications_accepted')).toEqual([sum])
  })

  test('names no two instruments alike', () => {
    const names = allInstruments.map(prometheusName)
    expect(new Set(names).size).toBe(names.length)
  })
})
