import { canonicalJson } from '../canonical-json.ts'
import { sha256 } from '../identity.ts'
import type { Channel, Content } from '../notification/events.ts'
import { type RecordedFact, Refusal, UnknownEvent } from '../recorded-fact.ts'

/** Source texts per locale and channel. */
export type TemplateContents = Readonly<Record<string, Readonly<Partial<Record<Channel, Content>>>>>

export interface PublishedData {
  readonly app: string
  readonly name: string
  /** From 1, without gaps. */
  readonly version: number
  readonly contentHash: string
  readonly defaultLocale: string
  readonly contents: TemplateContents
  /** Dotted paths of `data` that must be there, over all locales and channels. */
  readonly required: readonly string[]
  readonly noResend?: true
}

export interface TemplateEvent {
  readonly type: 'TemplatePublished'
  readonly data: PublishedData
}

export interface Template {
  readonly revision: number
  readonly name: string
  /** The last is the newest; version n is at n - 1. */
  readonly versions: readonly PublishedData[]
}

export const evolveTemplate = (state: Template | undefined, fact: RecordedFact): Template => {
  if (fact.type !== 'TemplatePublished' || fact.schemaVersion !== 1) {
    throw new UnknownEvent(fact.type, fact.schemaVersion)
  }
  const published = fact.data as unknown as PublishedData
  return {
    revision: fact.revision,
    name: published.name,
    versions: [...(state?.versions ?? []), published],
  }
}

export interface PublishTemplate {
  readonly app: string
  readonly name: string
  readonly defaultLocale: string
  readonly contents: TemplateContents
  readonly required: readonly string[]
  readonly noResend: boolean
}

/** The same content as the newest version is that version; anything else is a new one. */
export const publishTemplate = (
  state: Template | undefined,
  command: PublishTemplate,
): readonly TemplateEvent[] => {
  const { app, name, defaultLocale, contents, required, noResend } = command
  if (!Object.hasOwn(contents, defaultLocale)) {
    throw new Refusal(
      'template/invalid',
      `There is no content for the default locale ${defaultLocale}.`,
      '/defaultLocale',
    )
  }
  const contentHash = sha256(canonicalJson({ defaultLocale, contents, noResend }))
  if (state?.versions.at(-1)?.contentHash === contentHash) return []
  const version = (state?.versions.length ?? 0) + 1
  const resend = noResend ? { noResend: true as const } : {}
  const data = { app, name, version, contentHash, defaultLocale, contents, required, ...resend }
  return [{ type: 'TemplatePublished', data }]
}

export const templateVersion = (
  state: Template | undefined,
  name: string,
  version?: number,
): PublishedData => {
  if (!state) {
    throw new Refusal('template/not-found', `There is no template ${name}.`, '/template/name')
  }
  const found = version === undefined ? state.versions.at(-1) : state.versions[version - 1]
  if (found) return found
  throw new Refusal(
    'template/version-not-found',
    `Template ${name} has no version ${version}; the newest is ${state.versions.length}.`,
    '/template/version',
  )
}

/** `zh-Hant-TW` falls back to `zh-Hant`, `zh`, then to the default locale (RFC 4647, section 3.4). */
export const chooseLocale = (published: PublishedData, asked: string | undefined): string => {
  const parts = asked?.split('-') ?? []
  while (parts.length > 0) {
    const range = parts.join('-')
    if (Object.hasOwn(published.contents, range)) return range
    parts.pop()
  }
  return published.defaultLocale
}

export const templateChannels = (published: PublishedData): readonly Channel[] => [
  ...new Set(Object.values(published.contents).flatMap((each) => Object.keys(each) as Channel[])),
]

/** The first path of `required` that `data` does not have. */
export const missingVariable = (
  required: readonly string[],
  data: Readonly<Record<string, unknown>>,
): string | undefined =>
  required.find((path) => {
    let value: unknown = data
    for (const key of path.split('.')) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return true
      value = (value as Record<string, unknown>)[key]
    }
    return value === undefined
  })
