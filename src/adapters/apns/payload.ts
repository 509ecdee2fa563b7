import { Notification, type NotificationOptions } from 'apns2'
import type { Message } from '#ports/channel.ts'

export const payloadBytesMax = 4_096

/** `ref` stands beside `aps`: the app can hand it back, and the sandbox knows an attempt by it. */
export const buildPayload = ({ content, priority, ref }: Message): string => {
  const { title, body } = content
  const options: NotificationOptions = {
    alert: title === undefined ? body : { title, body },
    data: { ref },
  }
  if (priority !== 'bulk') options.sound = 'default'
  return JSON.stringify(new Notification('', options).buildApnsOptions())
}
