import { createHash } from 'node:crypto'
import type { HttpClient } from './http-client.ts'

/** What is sent in every measurement: a template with data, to people with one iPhone each. */
export const templateName = 'bench-order'
export const templateText = {
  title: 'Order {{order.number}} is on its way',
  body: 'Hello {{name}}, your {{order.items}} items have left our warehouse in {{order.city}}.',
} as const

const cities = ['Seoul', 'Busan', 'Daegu', 'Incheon', 'Gwangju']

export const dataOf = (number: number) => ({
  name: `Mina ${number % 1_000}`,
  order: { number: `A-${number}`, items: 1 + (number % 7), city: cities[number % 5] },
})

export const userIdOf = (number: number): string => `bench-user-${number}`

/** 64 hex digits, as APNs gives them; none is one of the sandbox's magic ones. */
export const tokenOf = (number: number): string =>
  createHash('sha256').update(`token ${number}`).digest('hex')

/** Spread over all recipients, so that two in a row hardly ever meet the same one. */
export const recipientOf = (number: number, recipients: number): number =>
  (number * 7_919) % recipients

export interface Workload {
  readonly recipients: number
  /** Event ids of two measurements must not meet. */
  readonly run: string
}

export const eventIdOf = ({ run }: Workload, number: number): string => `${run}-${number}`

export const requestOf = (workload: Workload, number: number): string =>
  JSON.stringify({
    eventId: eventIdOf(workload, number),
    to: { userId: userIdOf(recipientOf(number, workload.recipients)) },
    template: { name: templateName },
    data: dataOf(number),
  })

/** Runs `work` for 0 to `count` - 1, so many at a time. */
export const inParallel = async (
  count: number,
  atATime: number,
  work: (number: number) => Promise<void>,
): Promise<void> => {
  let next = 0
  const runner = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: Math.min(count, atATime) }, runner))
}

const put = async (client: HttpClient, path: string, body: object): Promise<void> => {
  const { status, body: text } = await client.ask({
    method: 'PUT',
    path,
    body: JSON.stringify(body),
  })
  if (status !== 200) throw new Error(`PUT ${path} was answered ${status}: ${text}`)
}

/** Publishes the template and makes the recipients known. */
export const register = async (client: HttpClient, recipients: number): Promise<void> => {
  const contents = { en: { push: templateText } }
  await put(client, `/v1/templates/${templateName}`, { defaultLocale: 'en', contents })
  await inParallel(recipients, 128, async (number) => {
    const path = `/v1/recipients/${userIdOf(number)}`
    await put(client, path, { locale: 'en' })
    await put(client, `${path}/devices/phone`, { platform: 'ios', token: tokenOf(number) })
  })
}
