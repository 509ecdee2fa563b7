import { templateIdOf } from '#domain/identity.ts'
import type { Channel, Content } from '#domain/notification/events.ts'
import { Refusal, type RefusalCode, refusalCodes } from '#domain/recorded-fact.ts'
import {
  chooseLocale,
  missingVariable,
  type PublishedData,
  type PublishTemplate,
  publishTemplate,
  type TemplateContents,
  templateVersion,
} from '#domain/template/template.ts'
import type { Rendered, Renderer } from '#ports/renderer.ts'
import type { Aggregates } from './aggregates.ts'
import type { Patience, Recorder } from './recorder.ts'
import { changeStream } from './stream-change.ts'

export interface Templates {
  /** Checks every text and makes a new version, unless the newest one is the same. */
  publish(
    app: string,
    name: string,
    draft: Omit<PublishTemplate, 'app' | 'name' | 'required'>,
    actor: string,
  ): Promise<{
    readonly version: number
    readonly required: readonly string[]
    readonly changed: boolean
  }>
  load(app: string, name: string, version?: number): Promise<PublishedData>
  /** What would be shown on each channel; nothing is sent or recorded. */
  preview(
    app: string,
    name: string,
    options: {
      readonly version?: number
      readonly locale?: string
      readonly data: Readonly<Record<string, unknown>>
    },
  ): Promise<{
    readonly version: number
    readonly locale: string
    readonly missing?: string
    readonly channels: Readonly<Partial<Record<Channel, Rendered>>>
  }>
}

const isRefusalCode = (code: string): code is RefusalCode =>
  (refusalCodes as readonly string[]).includes(code)

export const createTemplates = (needs: {
  readonly aggregates: Aggregates
  readonly renderer: Renderer
  readonly recorder: Recorder
  readonly patience: Patience
}): Templates => {
  const { aggregates, renderer, recorder, patience } = needs
  const streamOf = (app: string, name: string) => aggregates.streamOf.template(app, name)

  const requiredBy = async (source: Content, pointer: string): Promise<readonly string[]> => {
    const checked = await renderer.check(source)
    if (checked.ok) return checked.required
    const problem = checked.problems[0]!
    const code = isRefusalCode(problem.code) ? problem.code : 'template/invalid'
    throw new Refusal(code, problem.message, `${pointer}/${problem.field}`)
  }

  const checkAll = async (contents: TemplateContents): Promise<readonly string[]> => {
    const required = new Set<string>()
    for (const [locale, byChannel] of Object.entries(contents)) {
      for (const [channel, source] of Object.entries(byChannel)) {
        const paths = await requiredBy(source, `/contents/${locale}/${channel}`)
        for (const path of paths) required.add(path)
      }
    }
    return [...required]
  }

  const load: Templates['load'] = async (app, name, version) => {
    const { state } = await aggregates.templates.load(streamOf(app, name))
    return templateVersion(state, name, version)
  }

  return {
    load,
    async publish(app, name, draft, actor) {
      const required = await checkAll(draft.contents)
      const { changed, revision } = await changeStream({
        streams: aggregates.templates,
        stream: streamOf(app, name),
        decide: (state) => publishTemplate(state, { app, name, ...draft, required }),
        context: { app, actor, correlationId: templateIdOf(app, name) },
        recorder,
        patience,
      })
      // Every event of the stream is a version.
      return { version: revision + 1, required, changed }
    },
    async preview(app, name, { version, locale: asked, data }) {
      const published = await load(app, name, version)
      const locale = chooseLocale(published, asked)
      const missing = missingVariable(published.required, data)
      const channels: Partial<Record<Channel, Rendered>> = {}
      for (const [channel, source] of Object.entries(published.contents[locale] ?? {})) {
        const sourceHash = `${app}/${published.contentHash}/${locale}/${channel}`
        channels[channel as Channel] = await renderer.render({ sourceHash, source, data, locale })
      }
      return { version: published.version, locale, channels, ...(missing && { missing }) }
    },
  }
}
