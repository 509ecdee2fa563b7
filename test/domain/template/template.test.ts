import { describe, expect, test } from 'vitest'
import { canonicalJson } from '#domain/canonical-json.ts'
import { sha256 } from '#domain/identity.ts'
import { UnknownEvent } from '#domain/recorded-fact.ts'
import {
  chooseLocale,
  evolveTemplate,
  missingVariable,
  type PublishedData,
  type PublishTemplate,
  templateChannels,
  templateVersion,
} from '#domain/template/template.ts'
import { fact, givenTemplate, recorded, refusalOf, templateOf } from '../../support/given.ts'

const korean = { sms: { body: '{{name}}님, 발송되었습니다.' } }
const english = { sms: { body: '{{name}}, it is on its way.' }, email: { subject: 'On its way' } }

const publish = (over: Partial<PublishTemplate> = {}): PublishTemplate => ({
  app: 'shop',
  name: 'order-shipped',
  defaultLocale: 'ko',
  contents: { ko: korean },
  required: ['name'],
  noResend: false,
  ...over,
})

const published = (version = 1, over: Partial<PublishTemplate> = {}) => {
  const { noResend, ...rest } = publish(over)
  const { defaultLocale, contents } = rest
  const contentHash = sha256(canonicalJson({ contents, defaultLocale, noResend }))
  const resend = noResend && { noResend: true as const }
  return fact('TemplatePublished', { ...rest, version, contentHash, ...resend })
}

const both = { contents: { ko: korean, en: english } }
const data = (contents: PublishedData['contents'], defaultLocale = 'ko'): PublishedData =>
  published(1, { contents, defaultLocale }).data as unknown as PublishedData

describe('publishing a template', () => {
  test('for the first time is version 1', () =>
    givenTemplate().when(publish()).thenEvents(published(1)))

  test('with the same content is the same version', () => {
    givenTemplate(published(1)).when(publish()).thenNothing()
    const sameInOtherOrder = { contents: { en: english, ko: korean } }
    givenTemplate(published(1, both)).when(publish(sameInOtherOrder)).thenNothing()
  })

  test.each([
    ['content', both],
    ['default locale', { contents: { en: english, ko: korean }, defaultLocale: 'en' }],
    ['rule for resends', { noResend: true }],
  ])('with another %s is the next version', (_what, over) =>
    givenTemplate(published(1)).when(publish(over)).thenEvents(published(2, over)),
  )

  test('as it was before the newest version is a new version', () =>
    givenTemplate(published(1), published(2, both)).when(publish()).thenEvents(published(3)))

  test.each(['en', 'constructor', '__proto__'])(
    'without content for its default locale %s is refused',
    (defaultLocale) =>
      givenTemplate()
        .when(publish({ defaultLocale }))
        .thenRefused('template/invalid', '/defaultLocale'),
  )
})

describe('a version of a template', () => {
  const state = templateOf([published(1), published(2, both)])

  test('is the newest when none is asked for', () =>
    expect(templateVersion(state, 'order-shipped').version).toBe(2))

  test('is the one that is asked for', () =>
    expect(templateVersion(state, 'order-shipped', 1)).toEqual(published(1).data))

  test.each([0, 3, -1, 1.5])('%d is refused when there is none', (version) => {
    const refusal = refusalOf(() => templateVersion(state, 'order-shipped', version))
    expect(refusal?.code).toBe('template/version-not-found')
    expect(refusal?.pointer).toBe('/template/version')
  })

  test('of an unknown template is refused', () => {
    const refusal = refusalOf(() => templateVersion(undefined, 'nothing'))
    expect(refusal?.code).toBe('template/not-found')
    expect(refusal?.pointer).toBe('/template/name')
  })

  test.each([{ type: 'TemplateSung' }, { schemaVersion: 2 }])('stops folding at %o', (change) => {
    const [first] = recorded([published()])
    expect(() => evolveTemplate(undefined, { ...first!, ...change })).toThrow(UnknownEvent)
  })

  test('knows its place in the stream', () => expect(state?.revision).toBe(1))
})

describe('the locale of a message', () => {
  const has = data({ ko: korean, en: english, 'en-GB': english, zh: {}, 'zh-Hant': {} })

  test.each([
    [undefined, 'ko'],
    ['ko', 'ko'],
    ['ko-KR', 'ko'],
    ['en-GB', 'en-GB'],
    ['en-GB-oxendict', 'en-GB'],
    ['en-US', 'en'],
    ['zh-Hant-TW', 'zh-Hant'],
    ['zh-Hans-CN', 'zh'],
    ['fr', 'ko'],
    ['fr-CA', 'ko'],
    ['', 'ko'],
    ['-', 'ko'],
    ['constructor', 'ko'],
    ['__proto__', 'ko'],
  ])('asked for as %s is %s', (asked, chosen) => expect(chooseLocale(has, asked)).toBe(chosen))
})

describe('the channels of a template', () => {
  test('are those of any locale, once each', () =>
    expect(templateChannels(data(both.contents))).toEqual(['sms', 'email']))

  test('are none when it has no content', () =>
    expect(templateChannels(data({ ko: {} }))).toEqual([]))
})

describe('a variable', () => {
  const order = { id: 7, lines: [{ name: 'tea' }], note: null, gone: undefined, text: 'abc' }

  test.each([
    ['none are required', [], undefined],
    ['it is there', ['order.id'], undefined],
    ['it is null', ['order.note'], undefined],
    ['it is in a list', ['order.lines.0.name'], undefined],
    ['it is not in the list', ['order.lines.1.name'], 'order.lines.1.name'],
    ['it is not there', ['name'], 'name'],
    ['it is undefined', ['order.gone'], 'order.gone'],
    ['it would lie in a text', ['order.text.length'], 'order.text.length'],
    ['it would lie in null', ['order.note.x'], 'order.note.x'],
    ['it is inherited', ['constructor'], 'constructor'],
    ['it is the second that is missing', ['order.id', 'a', 'b'], 'a'],
  ])('when %s', (_when, required, missing) =>
    expect(missingVariable(required, { order })).toBe(missing),
  )
})
