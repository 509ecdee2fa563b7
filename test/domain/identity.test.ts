import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { appNamePattern } from '#domain/app/app.ts'
import {
  addressIdOf,
  notificationIdOf,
  recipientIdOf,
  sha256,
  templateIdOf,
  uuidOf,
} from '#domain/identity.ts'

const app = fc.stringMatching(appNamePattern)
/** Any well-formed text: the API refuses others. NUL and pieces of names among it, to provoke. */
const id = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }),
  fc
    .array(fc.constantFrom('a', 'b', '-', '\0', 'notification'), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join('')),
)
const small = fc.tuple(fc.constantFrom('a', 'b', 'a-b'), id)

const kinds = { notificationIdOf, recipientIdOf, templateIdOf, addressIdOf }

describe('an id', () => {
  test('is a version 5 UUID, whatever it is made of', () => {
    const wellFormed = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    fc.assert(
      fc.property(fc.array(id), (parts) => {
        expect(uuidOf(...parts)).toMatch(wellFormed)
      }),
    )
  })

  test.each(Object.entries(kinds))('made by %s is the same for the same app and id', (_, of) => {
    fc.assert(
      fc.property(app, id, (name, text) => {
        expect(of(name, text)).toBe(of(name, text))
      }),
    )
  })

  test.each(Object.entries(kinds))('made by %s differs for two apps or two ids', (_, of) => {
    const pairs = fc.uniqueArray(fc.oneof(fc.tuple(app, id), small), {
      minLength: 2,
      maxLength: 40,
      selector: ([name, text]) => JSON.stringify([name, text]),
    })
    fc.assert(
      fc.property(pairs, (all) => {
        expect(new Set(all.map(([name, text]) => of(name, text))).size).toBe(all.length)
      }),
    )
  })

  test('of one kind is never that of another', () => {
    fc.assert(
      fc.property(app, id, (name, text) => {
        const ids = Object.values(kinds).map((of) => of(name, text))
        expect(new Set(ids).size).toBe(ids.length)
      }),
    )
  })

  test('takes the text as it is: composed and decomposed letters are two', () => {
    expect(notificationIdOf('shop', '\u00e9')).not.toBe(notificationIdOf('shop', 'e\u0301'))
  })

  test('never changes: it is the key of the log', () => {
    expect(notificationIdOf('default', 'order-1')).toBe('88b6c16b-ba0a-5e84-be0b-d03de27a5b00')
    expect(recipientIdOf('default', 'mina')).toBe('223d6c1b-6b61-5bdc-ab85-cea10d1695fe')
    expect(templateIdOf('default', 'order-shipped')).toBe('69407bc3-7aa5-5be6-b77f-c400302ed801')
    expect(addressIdOf('default', 'digest')).toBe('14892160-4239-5905-b180-64e1c80f7ea9')
  })
})

describe('a digest', () => {
  test('is SHA-256 in base64url, of the UTF-8 form', () => {
    expect(sha256('')).toBe('47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU')
    expect(sha256('파발')).toBe('NbLGYZCCB9CdguLjbDYEAUqC7Df9uLW_Aoo3xg3TlzA')
  })
})
