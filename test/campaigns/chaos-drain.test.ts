import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createMemoryEventStore } from '#adapters/memory/memory-event-store.ts'
import { createSystemRandom } from '#adapters/system/system-random.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import { collectionOf } from '#projections/projection.ts'
import { drain } from '../../campaigns/chaos/drain.ts'
import { lookAt } from '../../campaigns/chaos/look.ts'
import { judge } from '../../campaigns/judging/verdict.ts'
import { createSubmission } from '../../campaigns/load/requests.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { iso, requested } from '../support/given.ts'

const sandbox = { faults: async () => {}, ledger: async () => [], idle: async () => {} }
const submission = createSubmission(1, 1, 0)
const projection = notificationsProjection

/** A log with one notification that was accepted and nothing else. */
const open = async () => {
  const events = createMemoryEventStore()
  const documents = createMemoryDocumentStore()
  const { type, data, personal, at } = requested({ eventId: submission.eventId })
  const metadata = { at: iso(at), app: 'default', actor: 'key:a', correlationId: submission.id }
  const id = createSystemRandom().uuid()
  const event = { id, type, schemaVersion: 1, data, ...(personal && { personal }), metadata }
  await events.append(`notification-${submission.id}`, [event], { expected: 'no-stream' })
  const look = lookAt({
    ...{ events, documents, clock: createFakeClock() },
    async [Symbol.asyncDispose]() {},
  })
  return { look, documents }
}

describe('waiting for the end of a cluster campaign', () => {
  test('names what is stuck, what is due of it, and what the agenda knows', async () => {
    const { look } = await open()
    const [first, second] = await drain(look, sandbox, 0)
    expect(first).toContain('1 notifications are open after 0 s')
    expect(second).toContain(submission.eventId)
    expect(second).toMatch(/at revision 0, due route 2026-.*; the agenda does not know it/)
  })

  test('tells an agenda that has forgotten the due time from one that has not', async () => {
    const { look, documents } = await open()
    const document = { id: submission.id, version: 0, body: { due: { route: 0 } } }
    await documents.write(collectionOf(projection, 0), [{ do: 'insert', document }])
    expect((await drain(look, sandbox, 0))[1]).toContain('knows revision 0, due route 1970-')
  })

  test('leaves to the verdict what never came to an end', async () => {
    const { look } = await open()
    await drain(look, sandbox, 0)
    const book = { answered: [submission], wrongAnswers: [] }
    const evidence = { book, log: look.log, audit: { differences: [] }, ledger: [], logLines: [] }
    expect(judge(evidence)).toMatchObject({
      accepted: 1,
      lost: 1,
      problems: [{ is: 'still-open' }],
    })
  })

  test('is over at once on an empty log', async () => {
    const stores = { events: createMemoryEventStore(), documents: createMemoryDocumentStore() }
    const look = lookAt({
      ...{ ...stores, clock: createFakeClock() },
      async [Symbol.asyncDispose]() {},
    })
    expect(await drain(look, sandbox, 0)).toEqual([])
  })
})
