import { readFileSync } from 'node:fs'
import type { CredentialOptions } from '#handlers/credentials.ts'
import type { Channel, DisposableChannel, ReceiptReader } from '#ports/channel.ts'
import type { Clock } from '#ports/clock.ts'
import { StartRefused } from '#ports/errors.ts'
import { Secret } from '#ports/secret.ts'
import type { Config } from '../config.ts'
import type { SandboxAuthorities } from './sandbox-settings.ts'

/** The providers that credentials were given for. The others stay away, and `/readyz` names them. */
export interface Providers extends AsyncDisposable {
  readonly channels: ReadonlyMap<string, Channel>
  readonly receiptReaders: ReadonlyMap<string, ReceiptReader>
  readonly credentials: readonly CredentialOptions[]
}

const readSetting = (variable: string, path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new StartRefused('config/unreadable-file', `${variable}: ${path} cannot be read.`, {
      cause,
    })
  }
}

const authorityOf = (made: string | undefined, variable: string, path: string | undefined) => {
  if (made !== undefined) return { ca: made }
  return path === undefined ? {} : { ca: readSetting(variable, path) }
}

interface Opened {
  readonly channel: DisposableChannel
  readonly reader?: ReceiptReader
}

const openApns = async (
  config: Config,
  clock: Clock,
  authorities: SandboxAuthorities | undefined,
): Promise<Opened | undefined> => {
  const { apnsTeamId: teamId, apnsKeyId: keyId, apnsTopic: topic, apnsKeyFile } = config
  if (teamId === undefined || keyId === undefined || topic === undefined) return undefined
  // SDKs are loaded only when they are used: together they take 20 MB and most of a second.
  const { openApnsChannel } = await import('#adapters/apns/apns-channel.ts')
  const key = config.apnsKey ?? new Secret(readSetting('PABAL_APNS_KEY_FILE', apnsKeyFile!))
  const ca = authorityOf(authorities?.apns, 'PABAL_APNS_CA_FILE', config.apnsCaFile)
  const channel = await openApnsChannel({
    url: config.apnsUrl,
    teamId,
    keyId,
    key,
    topic,
    clock,
    ...ca,
  })
  return { channel }
}

const projectIdOf = (serviceAccount: Secret): string => {
  try {
    const { project_id: projectId } = JSON.parse(serviceAccount.reveal())
    if (typeof projectId === 'string') return projectId
  } catch {
    // Said below: the parser's message would quote the secret.
  }
  throw new StartRefused(
    'config/service-account',
    'The FCM service account is not the JSON file that the Firebase console gives out (no project_id).',
  )
}

const openFcm = async (
  config: Config,
  clock: Clock,
  authorities: SandboxAuthorities | undefined,
): Promise<Opened | undefined> => {
  const { fcmServiceAccountFile: file, fcmUrl: url, fcmTokenUrl: tokenUrl } = config
  if (config.fcmServiceAccount === undefined && file === undefined) return undefined
  const { openFcmChannel } = await import('#adapters/fcm/fcm-channel.ts')
  const serviceAccount =
    config.fcmServiceAccount ?? new Secret(readSetting('PABAL_FCM_SERVICE_ACCOUNT_FILE', file!))
  const projectId = projectIdOf(serviceAccount)
  const ca = authorityOf(authorities?.fcm, 'PABAL_FCM_CA_FILE', config.fcmCaFile)
  return {
    channel: await openFcmChannel({ url, tokenUrl, projectId, serviceAccount, clock, ...ca }),
  }
}

const openTwilio = async (
  config: Config,
  clock: Clock,
  publicUrl: string,
): Promise<Opened | undefined> => {
  const { twilioAccountSid: accountSid, twilioAuthToken: authToken, twilioFrom: from } = config
  if (accountSid === undefined || authToken === undefined || from === undefined) return undefined
  const { openTwilioChannel } = await import('#adapters/twilio/twilio-channel.ts')
  const { createTwilioReceiptReader } = await import('#adapters/twilio/receipts.ts')
  const url = config.twilioUrl
  const channel = await openTwilioChannel({ url, accountSid, authToken, from, publicUrl, clock })
  return { channel, reader: createTwilioReceiptReader({ authToken, publicUrl }) }
}

const openSendgrid = async (config: Config, clock: Clock): Promise<Opened | undefined> => {
  const {
    sendgridApiKey: apiKey,
    sendgridFrom: from,
    sendgridFromName,
    sendgridWebhookKey,
  } = config
  if (apiKey === undefined || from === undefined) return undefined
  const { openSendgridChannel } = await import('#adapters/sendgrid/sendgrid-channel.ts')
  const { createSendgridReceiptReader } = await import('#adapters/sendgrid/receipts.ts')
  const name = sendgridFromName === undefined ? {} : { fromName: sendgridFromName }
  const channel = await openSendgridChannel({
    url: config.sendgridUrl,
    apiKey,
    from,
    clock,
    ...name,
  })
  if (sendgridWebhookKey === undefined) return { channel }
  return { channel, reader: createSendgridReceiptReader({ publicKey: sendgridWebhookKey }) }
}

/** Opens what is configured. `publicUrl` is where the providers reach us. */
export const openProviders = async (
  config: Config,
  clock: Clock,
  publicUrl: string,
  authorities?: SandboxAuthorities,
): Promise<Providers> => {
  await using opening = new AsyncDisposableStack()
  const channels = new Map<string, Channel>()
  const receiptReaders = new Map<string, ReceiptReader>()
  const credentials: CredentialOptions[] = []
  const add = (opened: Opened | undefined, ratePerSecond: number): void => {
    if (!opened) return
    const channel = opening.use(opened.channel)
    channels.set(channel.provider, channel)
    credentials.push({ name: channel.provider, channel, ratePerSecond })
    if (opened.reader) receiptReaders.set(channel.provider, opened.reader)
  }
  add(await openApns(config, clock, authorities), config.apnsRatePerSecond)
  add(await openFcm(config, clock, authorities), config.fcmRatePerSecond)
  add(await openTwilio(config, clock, publicUrl), config.twilioRatePerSecond)
  add(await openSendgrid(config, clock), config.sendgridRatePerSecond)
  const opened = opening.move()
  return {
    channels,
    receiptReaders,
    credentials,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
