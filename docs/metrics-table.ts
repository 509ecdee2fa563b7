import { prometheusName } from '../src/adapters/opentelemetry/prometheus-text.ts'
import { allInstruments } from '../src/app/telemetry/instruments.ts'

const begin = '<!-- metrics: made by npm run docs, do not edit -->'
const end = '<!-- end of metrics -->'

const codes = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ')

const rows = (): string =>
  allInstruments
    .map((each) => {
      const { name, kind, attributes, of, description } = each
      const cells = [`\`${name}\``, `\`${prometheusName(each)}\``, kind, of, codes(attributes)]
      return `| ${[...cells, description].join(' | ')} |`
    })
    .join('\n')

const head = `| Name | For Prometheus | Kind | Of | Attributes | What it tells |
|---|---|---|---|---|---|`

/** The page with its table as the instruments are declared now. */
export const telemetryPage = (page: string): string => {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error('docs/telemetry.md has lost its marks.')
  return `${page.slice(0, from)}${begin}\n\n${head}\n${rows()}\n\n${page.slice(to)}`
}

export const telemetryFile = new URL('telemetry.md', import.meta.url)
