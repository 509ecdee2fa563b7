import { describe, expect, test } from 'vitest'
import { createSystemClock } from '#adapters/system/system-clock.ts'
import { createReadModels } from '#handlers/read-models.ts'
import { notificationsProjection } from '#projections/notifications/notifications.ts'
import { collectionOf, type Projection } from '#projections/projection.ts'
import { inspectCluster } from '#src/app/inspect-cluster.ts'
import { isCluster, parseConfig } from '#src/config.ts'
import { openStore } from '../adapters/mongodb/mongo-store.ts'
import { openDouble } from '../support/eventstoredb/double.ts'
import { mongoAvailable, noMongo, openTestMongo } from '../support/mongodb/test-mongo.ts'

const clock = createSystemClock()
const notifications = notificationsProjection as unknown as Projection

/** Nobody listens on port 1: what NATS says is not asked here. */
const configOf = (eventstoreUrl: string, mongodbUrl: string) => {
  const config = parseConfig({
    PABAL_EVENTSTORE_URL: eventstoreUrl,
    PABAL_NATS_URL: 'nats://127.0.0.1:1',
    PABAL_MONGODB_URL: mongodbUrl,
    PABAL_SECRET: 'x'.repeat(32),
  })
  if (!isCluster(config)) throw new Error('These are the settings of a cluster.')
  return config
}

describe.skipIf(!mongoAvailable)(`examining a cluster ${mongoAvailable ? '' : noMongo}`, () => {
  test('looks at the read models that are in use, and at how much is counted', async () => {
    await using mongo = await openTestMongo()
    await using log = await openDouble({ settings: { StreamExistenceFilterSize: '10' } })
    const url = mongo.database()
    const config = configOf(log.url, url)
    const examined = async (expectedStreams?: number) => {
      const thorough = { ...(expectedStreams !== undefined && { expectedStreams }) }
      const findings = await inspectCluster(config, clock, thorough)
      const missing = findings.filter(({ code }) => code === 'documents/index-missing')
      const filter = findings.find(({ message }) => message.includes('StreamExistenceFilterSize'))
      return { missing: missing.map(({ message }) => message.split(' ')[0]), filter }
    }
    const [first, second] = [0, 1].map((generation) => collectionOf(notifications, generation))
    const nameOf = (of = first!) => `${of.name}_${of.version}`

    const before = await examined()
    expect(before.missing).toContain(nameOf(first))
    expect(before.filter).toMatchObject({
      level: 'ok',
      message: expect.stringContaining('not judged'),
    })

    {
      await using documents = await openStore(url)
      const readModels = createReadModels({ documents, clock })
      await readModels.change(notifications, () => ({ active: 1 }))
      // As the rebuild does, which then drops the one before.
      await documents.load(second!, [])
      const tally = { accepted: 11, statuses: { delivered: 11 }, pending: [] }
      const id = `notifications@${notifications.version}.1`
      await documents.write({ name: 'tallies', version: 1, indexes: [] }, [
        { do: 'insert', document: { id, version: 1, body: tally } },
      ])
    }
    const after = await examined()
    expect(after.missing).not.toContain(nameOf(first))
    expect(after.missing).not.toContain(nameOf(second))
    expect(after.filter).toMatchObject({ level: 'warning', code: 'eventstore/stream-filter' })
    expect((await examined(10)).filter).toMatchObject({ level: 'ok' })
    expect(log.log.events()).toBe(0)
  })
})
