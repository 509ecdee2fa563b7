import {
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoOperationTimeoutError,
  MongoServerError,
} from 'mongodb'
import { describe, expect, test } from 'vitest'
import { commandsOf, type Prepared, prepare, roundsOf } from '#adapters/mongodb/bulk-write.ts'
import { createCollectionIndexes } from '#adapters/mongodb/collection-indexes.ts'
import { databaseOf, shown } from '#adapters/mongodb/connect.ts'
import { stretchesOf } from '#adapters/mongodb/find-filter.ts'
import { asPortError, isPassing } from '#adapters/mongodb/mongo-errors.ts'
import { insert, newCollection } from '../../contracts/document-samples.ts'
import { silent } from './mongo-store.ts'

const serverError = (code: number) => new MongoServerError({ code, message: 'as the server says' })

describe('what the driver throws', () => {
  test.each([
    [13, 'documents/credentials', false],
    [18, 'documents/credentials', false],
    [50, 'documents/timeout', false],
    [64, 'documents/not-durable', false],
    [91, 'documents/no-primary', true],
    [175, 'documents/timeout', false],
    [189, 'documents/no-primary', true],
    [215, 'documents/timeout', false],
    [10107, 'documents/no-primary', true],
    [11602, 'documents/no-primary', true],
    [13435, 'documents/no-primary', true],
    [14031, 'documents/disk-full', false],
  ])('as server code %d is %s', (code, expected, again) => {
    const error = asPortError(serverError(code))
    expect(error).toMatchObject({ name: 'Unavailable', code: expected })
    expect((error as Error).cause).toBeInstanceOf(MongoServerError)
    expect(isPassing(error)).toBe(again)
  })

  test.each([
    new MongoNetworkError('connection 3 closed'),
    Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' }),
  ])('of the network is unavailable, to be tried again: %s', (thrown) => {
    const error = asPortError(thrown)
    expect(error).toMatchObject({ code: 'documents/unreachable' })
    expect(isPassing(error)).toBe(true)
  })

  test.each([
    new MongoOperationTimeoutError('Timed out during socket read (300ms)'),
    new MongoNetworkTimeoutError('connection 3 timed out'),
    new DOMException('The operation was aborted due to timeout', 'TimeoutError'),
  ])('of the time of a call is unavailable, and not tried again: %s', (thrown) => {
    const error = asPortError(thrown)
    expect(error).toMatchObject({ name: 'Unavailable', code: 'documents/timeout' })
    expect(isPassing(error)).toBe(false)
  })

  test.each([10334, 17419])('of a document that is too large (%d) says so', (code) => {
    expect(asPortError(serverError(code))).toMatchObject({ code: 'documents/too-large' })
  })

  test('else stays a bug', () => {
    const bug = serverError(9)
    expect(asPortError(bug)).toBe(bug)
    const other = new TypeError('ours')
    expect(asPortError(other)).toBe(other)
  })
})

describe('an address', () => {
  test('names its database, or it is pabal', () => {
    expect(databaseOf('mongodb://a,b:27018/other?replicaSet=rs')).toBe('other')
    expect(databaseOf('mongodb+srv://u:p@host/a%20b')).toBe('a b')
    expect(databaseOf('mongodb://host')).toBe('pabal')
    expect(databaseOf('mongodb://host/?tls=true')).toBe('pabal')
  })

  test('is shown without what may be secret', () => {
    expect(shown('mongodb://u:p@ss@host,b/x?tlsCertificateKeyFilePassword=p')).toBe(
      'mongodb://host,b/x',
    )
  })
})

describe('a bulk', () => {
  const collection = newCollection([{ name: 'n', fields: ['n'] }])
  const of = (id: string, text = ''): Prepared => prepare(collection, insert(id, { text }), 'w')

  test('holds each document once a round, in the order of its changes', () => {
    const rounds = roundsOf([of('a'), of('b'), of('a', 'later'), of('a', 'last')])
    expect(rounds.map((round) => round.map(({ id }) => id))).toEqual([['a', 'b'], ['a'], ['a']])
  })

  test('fits into the commands of a server by number and by size', () => {
    const many = Array.from({ length: 2_500 }, (_, n) => of(`${n}`))
    expect(commandsOf(many).map((part) => part.length)).toEqual([1_000, 1_000, 500])
    const large = 'x'.repeat(3_000_000)
    const parts = commandsOf(['a', 'b', 'c'].map((id) => of(id, large)))
    expect(parts.map((part) => part.length)).toEqual([1, 1, 1])
  })

  test('keeps indexed values beside the text of the body', () => {
    const declared = newCollection([
      { name: 'x', fields: ['due.push', 'on', 'at', 'list', '$a/~'] },
    ])
    const body = { due: { push: 5 }, on: true, at: new Date(0), list: [1], '$a/~': 'x', off: -0 }
    expect(prepare(declared, insert('a', body), 'w').stored).toMatchObject({
      _id: 'a',
      v: 0,
      b: JSON.stringify(body),
      k: { 'due/push': 5, on: 1, at: '1970-01-01T00:00:00.000Z', '~2a~1~0': 'x' },
    })
  })
})

test('a page goes on in two stretches, the ties first', () => {
  const order = { field: 'at', direction: 'descending' } as const
  const query = { where: { app: 'a' }, order, limit: 5, after: { value: 7, id: 'x' } }
  const [ties, rest] = stretchesOf(query).map((each) => JSON.stringify(each))
  expect(ties).toContain('{"k.at":{"$eq":7}},{"_id":{"$lt":"x"}}')
  expect(rest).toContain('{"k.at":{"$lt":7}}')
})

test('a server without partial indexes gets whole ones', async () => {
  const asked: object[] = []
  const command = async (request: {
    readonly createIndexes?: string
    readonly indexes?: readonly { readonly partialFilterExpression?: object }[]
  }) => {
    if (request.createIndexes === undefined) return { cursor: { firstBatch: [] } }
    asked.push(...request.indexes!)
    // As FerretDB 1.24 answers.
    if (request.indexes!.some((index) => index.partialFilterExpression)) throw serverError(238)
    return {}
  }
  const indexes = createCollectionIndexes({ command } as never, silent, 1_000)
  await indexes.ensure(newCollection([{ name: 'due', fields: ['due'], partial: true }]))
  await indexes.ensure(newCollection([{ name: 'due', fields: ['due'], partial: true }]))
  const key = { 'k.due': 1, _id: 1 }
  const partial = { name: 'due', key, partialFilterExpression: { 'k.due': { $exists: true } } }
  expect(asked).toEqual([partial, { name: 'due', key }, { name: 'due', key }])
})
