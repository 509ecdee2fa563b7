import type { ScriptedAnswer } from './answers.ts'
import { listenApns } from './apns.ts'
import { createChooser, type FaultMix } from './chooser.ts'
import { listenControl } from './control.ts'
import { createCourier } from './courier.ts'
import { createDesk } from './desk.ts'
import { listenFcm } from './fcm.ts'
import { createIdentity, type Identity } from './identity.ts'
import { Ledger } from './ledger.ts'
import type { Listener } from './listener.ts'
import { listenSendgrid } from './sendgrid.ts'
import { createSendgridEvents } from './sendgrid-events.ts'
import { listenTwilio } from './twilio.ts'

export interface SandboxPorts {
  control: number
  apns: number
  fcm: number
  twilio: number
  sendgrid: number
}

export interface SandboxOptions {
  host?: string
  /** Absent or 0: any free one. */
  ports?: SandboxPorts
  seed?: number
  /** From 0 to 1. */
  faultRate?: number
  /** Weights that replace the usual ones, by fault. */
  faultMix?: FaultMix
  latencyMs?: number
  receiptDelayMs?: number
  acceptOnlyCredentials?: boolean
  /** Hosts that callbacks may go to beside loopback. */
  callbackHosts?: readonly string[]
  log?: (line: string) => void
}

/** What a client needs to talk to these providers. Also `GET {controlUrl}/config`. */
export interface SandboxConfig {
  apns: { url: string; ca: string; teamId: string; keyId: string; key: string; topic: string }
  fcm: {
    url: string
    tokenUrl: string
    ca: string
    projectId: string
    serviceAccount: ServiceAccount
  }
  twilio: { url: string; accountSid: string; authToken: string; from: string }
  sendgrid: { url: string; apiKey: string; publicKey: string; from: string }
}

export interface ServiceAccount {
  type: 'service_account'
  project_id: string
  private_key_id: string
  private_key: string
  client_email: string
  client_id: string
  token_uri: string
}

export interface Sandbox extends AsyncDisposable {
  config: SandboxConfig
  controlUrl: string
  ledger: Ledger
  /** Each request to this recipient takes the next answer; after the last they succeed. */
  script(to: string, answers: readonly ScriptedAnswer[]): void
  setFaultRate(rate: number): void
  setCallbackUrl(provider: 'sendgrid', url: string): void
  /** Resolves when all receipts due have been sent, or given up. */
  idle(): Promise<void>
}

const anyPorts: SandboxPorts = { control: 0, apns: 0, fcm: 0, twilio: 0, sendgrid: 0 }

const urlOf = (scheme: string, host: string, { port }: Listener): string => {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `${scheme}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}

const serviceAccountOf = (fcm: Identity['fcm'], tokenUrl: string): ServiceAccount => ({
  type: 'service_account',
  project_id: fcm.projectId,
  private_key_id: fcm.keyId,
  private_key: fcm.key,
  client_email: fcm.clientEmail,
  client_id: '100000000000000000000',
  token_uri: tokenUrl,
})

/** Starts four providers and a control server that speaks about them. Disposing ends all their connections. */
export const startSandbox = async (options: SandboxOptions = {}): Promise<Sandbox> => {
  const { host = '127.0.0.1', ports = anyPorts, receiptDelayMs = 200, log = () => {} } = options
  const { seed = 1, faultRate = 0, faultMix = {}, latencyMs = 0 } = options
  const checkCredentials = options.acceptOnlyCredentials ?? true
  const identity = await createIdentity(host)
  await using opened = new AsyncDisposableStack()
  const courier = opened.use(createCourier(log, options.callbackHosts))
  const ledger = new Ledger()
  const chooser = createChooser({ seed, faultRate, faultMix })
  const desk = createDesk({ chooser, ledger, latencyMs })
  const events = createSendgridEvents({
    privateKey: identity.sendgrid.privateKey,
    courier,
    receiptDelayMs,
  })
  const shared = { identity, desk, courier, checkCredentials, receiptDelayMs, events }
  let tokenUrl = ''
  const apns = opened.use(await listenApns(shared, host, ports.apns))
  const fcm = opened.use(await listenFcm({ ...shared, tokenUrl: () => tokenUrl }, host, ports.fcm))
  const twilio = opened.use(await listenTwilio(shared, host, ports.twilio))
  const sendgrid = opened.use(await listenSendgrid(shared, host, ports.sendgrid))
  tokenUrl = `${urlOf('https', host, fcm)}/token`
  const { publicKey: _, ...apnsConfig } = identity.apns
  const { privateKey: __, ...sendgridConfig } = identity.sendgrid
  const { ca } = identity.tls
  const config: SandboxConfig = {
    apns: { url: urlOf('https', host, apns), ca, ...apnsConfig },
    fcm: {
      url: urlOf('https', host, fcm),
      tokenUrl,
      ca,
      projectId: identity.fcm.projectId,
      serviceAccount: serviceAccountOf(identity.fcm, tokenUrl),
    },
    twilio: { url: urlOf('http', host, twilio), ...identity.twilio },
    sendgrid: { url: urlOf('http', host, sendgrid), ...sendgridConfig },
  }
  const control = opened.use(
    await listenControl({ config, ledger, chooser, courier, events }, host, ports.control),
  )
  const running = opened.move()
  return {
    config,
    controlUrl: urlOf('http', host, control),
    ledger,
    script: chooser.script,
    setFaultRate: (rate) => chooser.setFaults(rate),
    setCallbackUrl: (_provider, url) => events.setUrl(url),
    idle: courier.idle,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
