import { expect, test } from 'vitest'
import { telemetryPage } from '../../docs/metrics-table.ts'
import { readPage } from './pages.ts'

const page = readPage('docs/telemetry.md')

test('docs/telemetry.md has the metrics as they are declared', () => {
  expect(telemetryPage(page)).toBe(page)
})
