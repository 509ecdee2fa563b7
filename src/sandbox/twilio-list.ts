import { messageResource, type TwilioMessages } from './twilio-messages.ts'

const pageSizeDefault = 50
const pageSizeMax = 1_000

const timeOf = (text: string | null, otherwise: number): number => {
  const at = text === null ? Number.NaN : Date.parse(text)
  return Number.isNaN(at) ? otherwise : at
}

/** The signs stand in the names of the parameters: `DateSent>=2026-01-31T00:00:00Z` arrives as `DateSent>`. */
export const listPage = (accountSid: string, messages: TwilioMessages, url: URL): string => {
  const asked = url.searchParams
  const page = Math.max(0, Number(asked.get('Page')) || 0)
  const size = Math.min(Number(asked.get('PageSize')) || pageSizeDefault, pageSizeMax)
  const found = messages.list({
    to: asked.get('To'),
    from: asked.get('From'),
    after: timeOf(asked.get('DateSent>'), Number.NEGATIVE_INFINITY),
    before: timeOf(asked.get('DateSent<'), Number.POSITIVE_INFINITY),
    skip: page * size,
    limit: size + 1,
  })
  const uriOf = (number: number) => {
    const parameters = new URLSearchParams(asked)
    parameters.set('Page', String(number))
    return `${url.pathname}?${parameters}`
  }
  const shown = found.slice(0, size)
  return JSON.stringify({
    first_page_uri: uriOf(0),
    end: page * size + Math.max(0, shown.length - 1),
    previous_page_uri: page > 0 ? uriOf(page - 1) : null,
    messages: shown.map((message) => messageResource(accountSid, message)),
    uri: uriOf(page),
    page_size: size,
    start: page * size,
    next_page_uri: found.length > size ? uriOf(page + 1) : null,
    page,
  })
}
