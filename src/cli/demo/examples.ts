import type { Notification } from '#domain/notification/state.ts'
import { statusOf } from '#domain/notification/status.ts'
import type { ApiClient } from './api-client.ts'
import type { Sends } from './sends.ts'

/** What `GET /v1/notifications/{id}/explanation` answers. */
interface Explanation {
  readonly summary: string
  readonly events: readonly { readonly at: string; readonly text: string }[]
}

export interface Example {
  readonly title: string
  readonly id: string
  readonly eventId: string
}

type Entry = readonly [string, Notification]

/** The plainest one: fewest deliveries, then fewest attempts and endpoints passed over. */
const plainest = (entries: Iterable<Entry>, fits: (entry: Entry) => boolean): Entry | undefined => {
  const sizeOf = ([, { deliveries, passedOver }]: Entry) =>
    deliveries.reduce((sum, each) => sum + each.attempts.length, deliveries.length * 100) +
    passedOver.length
  let best: Entry | undefined
  for (const entry of entries) {
    if (fits(entry) && (!best || sizeOf(entry) < sizeOf(best))) best = entry
  }
  return best
}

const isRetried = ([, state]: Entry): boolean =>
  statusOf(state) === 'delivered' &&
  state.deliveries.some(
    ({ attempts: [first, second] }) =>
      first?.outcome === 'retry' && second?.outcome === 'delivered',
  )

const isOptedOut = ([, state]: Entry): boolean =>
  statusOf(state) === 'suppressed' && state.passedOver.some((each) => each.reason === 'opted-out')

const isToldTwice = ([id, state]: Entry, sends: Sends): boolean =>
  statusOf(state) === 'delivered' &&
  state.deliveries.some((each) => (sends.get(`${id}.${each.deliveryId}`)?.taken ?? 0) > 1)

/** One of each that happened, to be explained. `askedTwice`: event ids submitted again. */
export const chooseExamples = (
  notifications: ReadonlyMap<string, Notification>,
  sends: Sends,
  askedTwice: ReadonlySet<string>,
): readonly Example[] => {
  const found: readonly (readonly [string, Entry | undefined])[] = [
    ['A retry: the provider refused, and took it later', plainest(notifications, isRetried)],
    ['A suppression: not sent, and why', plainest(notifications, isOptedOut)],
    [
      'A duplicate request: two networks reported the quake, one alert was sent',
      plainest(
        notifications,
        ([, state]) => askedTwice.has(state.eventId) && statusOf(state) === 'delivered',
      ),
    ],
    [
      'A duplicate send: the answer was lost, so it was sent again and may have been seen twice',
      plainest(notifications, (entry) => isToldTwice(entry, sends)),
    ],
  ]
  return found.flatMap(([title, entry]) =>
    entry ? [{ title, id: entry[0], eventId: entry[1].eventId }] : [],
  )
}

const columns = 96
const indent = '                '

/** Breaks at spaces; the lines after the first begin under it. */
export const wrap = (first: string, text: string): string => {
  const lines = [first.padEnd(indent.length)]
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line.length + word.length > columns && line.trim() !== '') lines.push(`${indent}${word} `)
    else lines[lines.length - 1] = `${line}${word} `
  }
  return lines.map((line) => line.trimEnd()).join('\n')
}

/** The service's own words for one example, with the time of day of each event. */
export const explainExample = async (api: ApiClient, example: Example): Promise<string> => {
  const path = `/v1/notifications/${example.id}/explanation`
  const { summary, events } = (await api.call('GET', path)) as Explanation
  // The lines above it have said already who was passed over.
  const [short = ''] = summary.split(' Passed over:')
  const lines = events.map(({ at, text }) => wrap(`  ${at.slice(11, 23)}`, text))
  return [example.title, `  ${example.eventId}`, ...lines, wrap('  In short', short)].join('\n')
}
