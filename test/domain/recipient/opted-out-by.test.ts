import { describe, expect, test } from 'vitest'
import { optedOutBy, type Preferences } from '#domain/recipient/recipient.ts'

const bothNo: Preferences = { categories: { ads: { channels: { sms: false } } } }
const bothYes: Preferences = { categories: { ads: { channels: { sms: true } } } }
const inherited: Preferences = { categories: JSON.parse('{"__proto__": false}') }

const rows: readonly (readonly [string, Preferences, string | undefined])[] = [
  ['nothing was said', {}, undefined],
  ['everything is wanted', { receive: true }, undefined],
  ['nothing at all is wanted', { receive: false }, 'preferences.receive'],
  ['the channel is not wanted', { channels: { sms: false } }, 'preferences.channels.sms'],
  ['another channel is not wanted', { channels: { email: false } }, undefined],
  ['the category is not wanted', { categories: { ads: false } }, 'preferences.categories.ads'],
  ['another category is not wanted', { categories: { news: false } }, undefined],
  ['the category is not wanted on the channel', bothNo, 'preferences.categories.ads.channels.sms'],
  [
    'the category is not wanted on another channel',
    { categories: { ads: { channels: { email: false } } } },
    undefined,
  ],
  [
    'the category is wanted on the channel, but nothing at all is',
    { ...bothYes, receive: false },
    'preferences.receive',
  ],
  [
    'the category is wanted on the channel, the channel itself is not',
    { ...bothYes, channels: { sms: false } },
    undefined,
  ],
  [
    'the category is not wanted on the channel, the channel itself is',
    { ...bothNo, channels: { sms: true } },
    'preferences.categories.ads.channels.sms',
  ],
  [
    'the category is wanted, the channel is not',
    { categories: { ads: true }, channels: { sms: false } },
    'preferences.channels.sms',
  ],
  [
    'the category is not wanted, the channel is',
    { categories: { ads: false }, channels: { sms: true } },
    'preferences.categories.ads',
  ],
  [
    'the category has rules for other channels and the channel is not wanted',
    { categories: { ads: { channels: { email: true } } }, channels: { sms: false } },
    'preferences.channels.sms',
  ],
]

describe('a message of a category over a channel', () => {
  test.each(rows)('when %s', (_when, preferences, rule) => {
    expect(optedOutBy(preferences, 'ads', 'sms')).toBe(rule)
  })

  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'whose category is called %s is held against no rule that nobody set',
    (category) => expect(optedOutBy({ categories: {} }, category, 'sms')).toBeUndefined(),
  )

  test('whose category is called __proto__ is held against the rule that was set', () =>
    expect(optedOutBy(inherited, '__proto__', 'sms')).toBe('preferences.categories.__proto__'))
})
