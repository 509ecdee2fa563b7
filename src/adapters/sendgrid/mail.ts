import sendgrid from '@sendgrid/mail'
import type { RenderedContent } from '#ports/channel.ts'

export interface Mail {
  readonly from: { readonly email: string; readonly name?: string }
  readonly to: string
  readonly content: RenderedContent
  readonly ref: string
}

type SdkClient = Parameters<typeof sendgrid.setClient>[0]

/** The package's types show its one shared service only, which all of a process would share. */
const { MailService } = sendgrid as unknown as { MailService: new () => typeof sendgrid }

const subjectCharsMax = 250

/** A line break in a header begins the next header: nodemailer and others had CVEs for it. */
const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ').trim()

const subjectOf = ({ subject, title, body }: RenderedContent): string => {
  const [firstLine = ''] = body.trimStart().split(/\r?\n/, 1)
  return oneLine(subject || title || firstLine).slice(0, subjectCharsMax) || '-'
}

/** No display name, no list, no line break: whatever else an address is, SendGrid decides. */
export const isSingleAddress = (email: string): boolean =>
  /^[^\s@<>,;"\p{Cc}]+@[^\s@<>,;"\p{Cc}]+$/u.test(email)

/** The SDK checks and writes the mail; its `send` ends at a client that hands the request back. */
export const createMailWriter = () => {
  const service = new MailService()
  const handBack = { request: async (request: { body: unknown }) => request }
  service.setClient(handBack as unknown as SdkClient)

  return async ({ from, to, content, ref }: Mail): Promise<string> => {
    const written: unknown = await service.send({
      // Objects: of a string the SDK would read `Name <address>`.
      to: { email: to },
      from: from.name === undefined ? { email: from.email } : { ...from, name: oneLine(from.name) },
      subject: subjectOf(content),
      text: content.body,
      ...(content.html === undefined ? {} : { html: content.html }),
      customArgs: { ref },
    })
    return JSON.stringify((written as { body: unknown }).body)
  }
}
