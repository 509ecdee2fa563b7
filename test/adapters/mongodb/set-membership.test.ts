import { describe, expect, test } from 'vitest'
import { setAskedIn, whyNotOf } from '#adapters/mongodb/set-membership.ts'

describe('the replica set in an address', () => {
  test('is asked for by name; each member is greeted alone and without the user', () => {
    const url =
      'mongodb://pabal:s3cret%40@one:1,two/pabal?replicaset=rs0&tls=true&authSource=admin&w=majority'
    expect(setAskedIn(url)).toEqual({
      set: 'rs0',
      members: ['one:1', 'two'].map((host) => `mongodb://${host}/?tls=true&directConnection=true`),
    })
  })

  test.each([
    'mongodb://one/pabal?w=majority',
    'mongodb://one',
    'mongodb+srv://one/pabal?replicaSet=rs0',
  ])('is not asked for in %s', (url) => {
    expect(setAskedIn(url)).toBeUndefined()
  })
})

test.each([
  [{ setName: 'rs0' }, undefined],
  [{ setName: 'rs1' }, 'documents/set-name'],
  [{ isreplicaset: true, info: 'no config' }, 'documents/not-initiated'],
  [{ msg: 'isdbgrid' }, 'documents/set-name'],
  [{ isWritablePrimary: true }, 'documents/standalone'],
])('a server that greets with %j is judged', (hello, code) => {
  expect(whyNotOf(hello, 'rs0')?.[0]).toBe(code)
})
