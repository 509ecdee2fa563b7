import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { allProjections } from '#projections/all.ts'
import { readPage, sectionsOf } from '../docs/pages.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<string, string>>
}

const yaml = (path: string) => parse(readPage(path))
const rules: readonly Rule[] = yaml('deploy/prometheus/alerts.yml').groups.flatMap(
  (group: { rules: readonly Rule[] }) => group.rules,
)
const cases: readonly {
  readonly name: string
  readonly alert_rule_test: readonly {
    readonly alertname: string
    readonly exp_alerts: unknown[]
  }[]
}[] = yaml('deploy/prometheus/alerts.test.yml').tests

const promtool = (...args: readonly string[]) =>
  spawnSync('promtool', args, { encoding: 'utf8', cwd: new URL('../../', import.meta.url) })
const available = promtool('--version').status === 0

describe.skipIf(!available)(available ? 'promtool' : 'promtool (not here)', () => {
  test.each([
    ['the rules are valid', ['check', 'rules', 'deploy/prometheus/alerts.yml']],
    ['each alert fires and keeps silent', ['test', 'rules', 'deploy/prometheus/alerts.test.yml']],
    [
      'the configuration is valid',
      ['check', 'config', '--syntax-only', 'deploy/prometheus/prometheus.yml'],
    ],
  ])('%s', (_what, args) => {
    const { status, stdout, stderr } = promtool(...args)
    expect(status, stdout + stderr).toBe(0)
  })
})

describe.each(rules)('the alert $alert', ({ alert, labels, annotations }) => {
  test('has a paragraph in the runbook, and says so', () => {
    const alerts = sectionsOf(readPage('docs/runbook.md'), 2).find(
      (each) => each.title === 'Alerts',
    )
    const paragraph = sectionsOf(`## Alerts\n${alerts!.text}`, 3).find(
      (each) => each.title === alert,
    )
    expect(paragraph?.text.length).toBeGreaterThan(80)
    expect(paragraph?.text).toContain(`(${labels.severity})`)
    expect(annotations.runbook_url).toMatch(
      new RegExp(`/docs/runbook\\.md#${alert.toLowerCase()}$`),
    )
    expect(annotations.summary && annotations.description).toBeTruthy()
  })

  test('is tried both ways', () => {
    const tried = cases.flatMap((each) => each.alert_rule_test).filter((t) => t.alertname === alert)
    expect(tried.some(({ exp_alerts }) => exp_alerts.length > 0)).toBe(true)
    expect(tried.some(({ exp_alerts }) => exp_alerts.length === 0)).toBe(true)
  })
})

test('the relay and every read model are missed when nobody follows the log for them', () => {
  const { expr } = rules.find((each) => each.alert === 'PabalNobodyFollows')!
  const missed = [...expr.matchAll(/absent\(pabal_follower_lag\{pabal_follower="(\w+)"\}\)/g)]
  const followers = ['relay', ...allProjections.map(({ name }) => name)]
  expect(missed.map(([, name]) => name)).toEqual(followers)
})

test('the runbook has no paragraph of an alert that there is not', () => {
  const titles = sectionsOf(readPage('docs/runbook.md'), 3).map((each) => each.title)
  const known = rules.map((each) => each.alert)
  expect(titles.filter((title) => /^Pabal/.test(title) && !known.includes(title))).toEqual([])
})

test('the provisioning of Grafana and the configuration of the collector can be read', () => {
  for (const path of [
    'deploy/grafana/provisioning/datasources/prometheus.yaml',
    'deploy/grafana/provisioning/dashboards/pabal.yaml',
    'deploy/otel-collector.yaml',
  ]) {
    expect(
      Object.keys(parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'))),
    ).not.toEqual([])
  }
  const { service, ...parts } = yaml('deploy/otel-collector.yaml')
  for (const pipeline of Object.values<Record<string, readonly string[]>>(service.pipelines)) {
    for (const [kind, names] of Object.entries(pipeline)) {
      for (const name of names) expect(Object.keys(parts[kind])).toContain(name)
    }
  }
})
