import { afterAll, beforeAll, describe } from 'vitest'
import { documentStoreContract } from '../../contracts/document-store.ts'
import {
  mongoAvailable,
  noMongo,
  openTestMongo,
  type TestMongo,
} from '../../support/mongodb/test-mongo.ts'
import { openStore } from './mongo-store.ts'

describe.skipIf(!mongoAvailable)(`MongoDB ${mongoAvailable ? '' : noMongo}`, () => {
  let mongo: TestMongo
  let url: string
  beforeAll(async () => {
    mongo = await openTestMongo()
    url = mongo.database()
  })
  afterAll(() => mongo[Symbol.asyncDispose]())

  documentStoreContract('mongodb', (clock) => openStore(url, { clock }))
})
