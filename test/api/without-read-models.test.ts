import { describe, expect, test } from 'vitest'
import { createMemoryDocumentStore } from '#adapters/memory/memory-document-store.ts'
import { createReadModels } from '#handlers/read-models.ts'
import { Unavailable } from '#ports/errors.ts'
import { openApi, request } from '../support/api.ts'
import { createFakeClock } from '../support/fake-clock.ts'

describe('while the read models do not answer', () => {
  test('one notification is told from the log, a history is not', async () => {
    const documents = createMemoryDocumentStore()
    const away = async (): Promise<never> => {
      throw new Unavailable('documents/away', 'The read models are away.')
    }
    const failing = { ...documents, load: away, find: away }
    const clock = createFakeClock()
    const readModels = createReadModels({ documents: failing, clock })
    await using api = await openApi({ documents: failing, readModels })
    const { id } = (await api.ask('POST', '/v1/notifications', request())).json()
    const one = await api.ask('GET', `/v1/notifications/${id}`)
    expect(one.statusCode).toBe(200)
    expect(one.json()).toMatchObject({ id, eventId: request().eventId })
    const page = await api.ask('GET', '/v1/notifications')
    expect(page.statusCode).toBe(503)
    expect(page.headers['retry-after']).toBeTruthy()
    expect(page.json()).toMatchObject({ code: 'documents/away' })
  })
})
