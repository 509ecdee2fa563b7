import { expect, test } from 'vitest'
import { withDatabase } from './with-database.ts'

test.each([
  ['mongodb://host:1', 'mongodb://host:1/mine'],
  ['mongodb://host/other?tls=true', 'mongodb://host/mine?tls=true'],
  ['mongodb://a:1,b:2/?replicaSet=rs', 'mongodb://a:1,b:2/mine?replicaSet=rs'],
  ['mongodb://user:pw@host', 'mongodb://user:pw@host/mine?authSource=admin'],
  ['mongodb+srv://user:pw@host/other', 'mongodb+srv://user:pw@host/mine?authSource=other'],
  ['mongodb://u:p@host/?authSource=x', 'mongodb://u:p@host/mine?authSource=x'],
])('%s becomes %s', (url, expected) => expect(withDatabase(url, 'mine')).toBe(expected))
