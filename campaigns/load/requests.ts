import { notificationIdOf } from '#domain/identity.ts'
import { chance } from '#sandbox/seeded.ts'
import { type Expected, kinds } from './people.ts'

export const app = 'default'
export const templateName = 'campaign-report'

const text = (words: string) => ({
  push: { title: words, body: '{{what}}' },
  sms: { body: `${words}: {{what}}` },
  email: { subject: words, body: `${words}: {{what}}` },
})
export const template = {
  defaultLocale: 'en',
  contents: { en: text('News'), ko: text('소식') },
}

/** A request as a producer keeps it until it has its 202: the same body every time. */
export interface Submission {
  readonly n: number
  readonly id: string
  readonly eventId: string
  readonly body: string
  readonly expects: Expected
}

const weightOfAll = kinds.reduce((sum, { weight }) => sum + weight, 0)

const kindAt = (draw: number) => {
  let left = draw * weightOfAll
  return kinds.find(({ weight }) => {
    left -= weight
    return left < 0
  })!
}

const scheduledShare = 0.1
const sendAtMinMs = 1_000
const templateShare = 0.3

/** The n-th request of a seed; only the time of a scheduled one depends on when it is made. */
export const createSubmission = (
  seed: number,
  n: number,
  now: number,
  sendAtMaxMs = 2_000,
): Submission => {
  const draw = (what: string): number => chance(seed, `${what} ${n}`)
  const { to, channels, expects } = kindAt(draw('kind'))
  const eventId = `campaign:${seed}:${n}`
  const what = `report ${n}`
  const content = { title: 'News', subject: 'News', body: `News: ${what}` }
  const later = draw('scheduled') < scheduledShare
  const request = {
    eventId,
    to: to(n),
    ...(draw('template') < templateShare
      ? { template: { name: templateName }, data: { what } }
      : { content }),
    ...(channels && { channels }),
    ...(later && {
      sendAt: new Date(
        now + sendAtMinMs + (sendAtMaxMs - sendAtMinMs) * draw('sendAt'),
      ).toISOString(),
    }),
    priority: (['urgent', 'normal', 'bulk'] as const)[Math.floor(draw('priority') * 3)],
  }
  return { n, id: notificationIdOf(app, eventId), eventId, body: JSON.stringify(request), expects }
}
