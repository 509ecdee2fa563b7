import type { Message } from '#ports/channel.ts'

const textBytesMax = 4_096
const storedForS = 86_400
const storedForSMax = 2_419_200

const ttlS = (expiresAt: number | undefined, now: number): number =>
  expiresAt === undefined
    ? storedForS
    : Math.min(Math.max(0, Math.ceil((expiresAt - now) / 1_000)), storedForSMax)

/** FCM hands these on to APNs, for the apps that use it there too. */
const apnsPart = ({ collapseId, priority }: Message, ttl: number, now: number) => ({
  headers: {
    'apns-collapse-id': collapseId,
    'apns-priority': priority === 'bulk' ? '5' : '10',
    'apns-expiration': String(Math.ceil(now / 1_000) + ttl),
  },
})

const webPart = ({ priority }: Message, ttl: number) => ({
  headers: { TTL: String(ttl), Urgency: priority === 'bulk' ? 'low' : 'high' },
})

/** `undefined`: more than FCM takes. `tag` replaces on the screen, `collapse_key` what waits for the device. */
export const buildFcmBody = (message: Message, token: string, now: number): string | undefined => {
  const { title, body } = message.content
  const notification = title === undefined ? { body } : { title, body }
  const data = { ref: message.ref }
  if (Buffer.byteLength(JSON.stringify({ data, notification })) > textBytesMax) return undefined
  const ttl = ttlS(message.expiresAt, now)
  const platform = message.to.kind === 'device' ? message.to.platform : undefined
  return JSON.stringify({
    message: {
      token,
      notification,
      data,
      android: {
        collapse_key: message.collapseId,
        priority: message.priority === 'bulk' ? 'NORMAL' : 'HIGH',
        ttl: `${ttl}s`,
        notification: { tag: message.collapseId },
      },
      ...(platform === 'ios' || platform === 'macos' ? { apns: apnsPart(message, ttl, now) } : {}),
      ...(platform === 'web' ? { webpush: webPart(message, ttl) } : {}),
    },
  })
}
