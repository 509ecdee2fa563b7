import { StartRefused } from '#ports/errors.ts'
import { Secret } from '#ports/secret.ts'
import type { Config } from '../config.ts'

/** What a running sandbox says of itself: addresses and credentials of all four providers. */
interface SandboxSaid {
  readonly apns: {
    url: string
    ca: string
    teamId: string
    keyId: string
    key: string
    topic: string
  }
  readonly fcm: { url: string; tokenUrl: string; ca: string; serviceAccount: object }
  readonly twilio: { url: string; accountSid: string; authToken: string; from: string }
  readonly sendgrid: { url: string; apiKey: string; publicKey: string; from: string }
}

/** Certificate authorities that are no file: the sandbox makes one at each start. */
export interface SandboxAuthorities {
  readonly apns: string
  readonly fcm: string
}

const ask = async (controlUrl: string): Promise<SandboxSaid> => {
  try {
    const answer = await fetch(new URL('/config', controlUrl), {
      signal: AbortSignal.timeout(5_000),
    })
    return (await answer.json()) as SandboxSaid
  } catch (cause) {
    throw new StartRefused(
      'sandbox/not-reached',
      `No sandbox answers at ${controlUrl}; start one with ./pabal sandbox.`,
      { cause },
    )
  }
}

/** Points every channel at the sandbox, whatever else is set: nothing leaves for a real provider. */
export const withSandbox = async (
  config: Config,
): Promise<{ readonly config: Config; readonly authorities?: SandboxAuthorities }> => {
  if (config.sandboxUrl === undefined) return { config }
  const { apns, fcm, twilio, sendgrid } = await ask(config.sandboxUrl)
  const { apnsKeyFile: _key, fcmServiceAccountFile: _account, ...rest } = config
  const pointed: Config = {
    ...rest,
    apnsUrl: apns.url,
    apnsTeamId: apns.teamId,
    apnsKeyId: apns.keyId,
    apnsKey: new Secret(apns.key),
    apnsTopic: apns.topic,
    fcmUrl: fcm.url,
    fcmTokenUrl: fcm.tokenUrl,
    fcmServiceAccount: new Secret(JSON.stringify(fcm.serviceAccount)),
    twilioUrl: twilio.url,
    twilioAccountSid: twilio.accountSid,
    twilioAuthToken: new Secret(twilio.authToken),
    twilioFrom: twilio.from,
    sendgridUrl: sendgrid.url,
    sendgridApiKey: new Secret(sendgrid.apiKey),
    sendgridFrom: sendgrid.from,
    sendgridWebhookKey: sendgrid.publicKey,
  }
  return { config: pointed, authorities: { apns: apns.ca, fcm: fcm.ca } }
}

/** Tells the sandbox's SendGrid where its receipts go: a real one is told in its console. */
export const announceWebhook = async (config: Config, publicUrl: string): Promise<void> => {
  if (config.sandboxUrl === undefined) return
  await fetch(new URL('/callbacks', config.sandboxUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      provider: 'sendgrid',
      url: `${publicUrl}/v1/callbacks/sendgrid/default`,
    }),
    signal: AbortSignal.timeout(5_000),
  })
}
