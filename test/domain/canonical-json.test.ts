import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from '#domain/canonical-json.ts'

/** What JSON.parse may give, with any well-formed text. */
const json = fc
  .jsonValue({ stringUnit: 'binary' })
  .map((value) => JSON.parse(JSON.stringify(value)))

/** The same value with the keys of every object the other way round. */
const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).reverse()
  return Object.fromEntries(entries.map(([key, each]) => [key, reversed(each)]))
}

describe('the canonical form of a JSON value', () => {
  test('is that of the canonicalize package', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(value)).toBe(canonicalize(value))
      }),
      { numRuns: 1_000 },
    )
  })

  test('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value))
      }),
    )
  })

  test('gives the value back', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(value)
      }),
    )
  })

  test('of the example in RFC 8785, section 3.2.2 is the one printed there', () => {
    const example = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`
    const numbers = '"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]'
    const text = String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"`
    const expected = `{"literals":[null,true,false],${numbers},${text}}`
    expect(canonicalJson(JSON.parse(example))).toBe(expected)
  })

  test('of the example in RFC 8785, section 3.2.3 has its keys in order of UTF-16', () => {
    const example = String.raw`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`
    expect(canonicalJson(JSON.parse(example)).match(/:(\d)/g)?.join('')).toBe(':2:4:6:7:1:5:3')
  })

  test.each([
    ['-0', '0'],
    ['1e21', '1e+21'],
    ['1e-7', '1e-7'],
    ['5e-324', '5e-324'],
    ['9007199254740993', '9007199254740992'],
    ['{"__proto__":{"a":1},"constructor":2}', '{"__proto__":{"a":1},"constructor":2}'],
    ['{"10":1,"9":2,"a":3}', '{"10":1,"9":2,"a":3}'],
    ['[]', '[]'],
    ['{}', '{}'],
  ])('of %s is %s', (given, expected) => expect(canonicalJson(JSON.parse(given))).toBe(expected))
})
