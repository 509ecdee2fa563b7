/** What both sides of the pipeline know. */
export const queueName = 'bench-push'
export const statusKey = (eventId: string): string => `status:${eventId}`

export interface PushJob {
  readonly token: string
  readonly data: Readonly<Record<string, unknown>>
}
