import { describe, expect, test } from 'vitest'
import { foldDocument } from '#handlers/project.ts'
import type { RecordedEvent } from '#ports/event-store.ts'
import type { Projection } from '#projections/projection.ts'
import { newEvent } from '../contracts/log-samples.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const parts: Projection = {
  name: 'parts',
  version: 1,
  indexes: [],
  idOf: (event) => event.stream,
  evolve: (body) => ({ count: Number(body?.count ?? 0) + 1 }),
}
const whole: Projection = { ...parts, fromFirst: true }

const at = (revision: number): RecordedEvent => ({
  ...newEvent({}),
  stream: 'notes-1',
  revision,
  position: String(revision + 1),
})

describe('a document that is not there', () => {
  test('begins with the first event of its stream', () => {
    expect(foldDocument(whole, 'a', undefined, [at(0), at(1)], silent)).toMatchObject({
      do: 'insert',
      document: { version: 1, body: { count: 2 } },
    })
  })

  test('is not begun in the middle of it: it was thrown away, and is rebuilt', () => {
    expect(foldDocument(whole, 'a', undefined, [at(3)], silent)).toBeUndefined()
  })

  test('begins anywhere if it does not hold the whole stream', () => {
    expect(foldDocument(parts, 'a', undefined, [at(3)], silent)).toMatchObject({ do: 'insert' })
  })
})
