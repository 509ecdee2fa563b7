import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { magicNames, magicRecipient } from '#sandbox/magic.ts'
import { type Sandbox, type SandboxPorts, startSandbox } from '#sandbox/sandbox.ts'

const basePortDefault = 7080

const portsFrom = (base: number): SandboxPorts => {
  const port = (offset: number) => (base === 0 ? 0 : base + offset)
  return { control: port(0), apns: port(1), fcm: port(2), twilio: port(3), sendgrid: port(4) }
}

const numberIn = (name: string, text: string, max: number): number => {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value <= max))
    throw new RangeError(`--${name} must be a number from 0 to ${max}, not "${text}".`)
  return value
}

const parseSandboxArgs = (args: string[]) => {
  const { values } = parseArgs({
    args,
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: String(basePortDefault) },
      'callback-host': { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: '1' },
      faults: { type: 'string', default: '0' },
      'receipt-delay': { type: 'string', default: '200' },
      json: { type: 'boolean', default: false },
    },
  })
  return {
    host: values.host,
    callbackHosts: values['callback-host'],
    ports: portsFrom(numberIn('port', values.port, 65_531)),
    seed: numberIn('seed', values.seed, Number.MAX_SAFE_INTEGER),
    faultRate: numberIn('faults', values.faults, 1),
    receiptDelayMs: numberIn('receipt-delay', values['receipt-delay'], 86_400_000),
    json: values.json,
  }
}

const urlsOf = ({ config: { apns, fcm, twilio, sendgrid } }: Sandbox) => ({
  apns: apns.url,
  fcm: fcm.url,
  twilio: twilio.url,
  sendgrid: sendgrid.url,
})

const magicTable = (): string =>
  magicNames('sendgrid')
    .filter((name) => !/-(once|twice)$/.test(name))
    .map((name) => {
      const phone = magicNames('twilio').includes(name) ? magicRecipient('twilio', name) : '-'
      const apns = magicNames('apns').includes(name)
        ? `${magicRecipient('apns', name).slice(0, 12)}…`
        : '-'
      return `  ${name.padEnd(18)} ${phone.padEnd(13)} ${apns}`
    })
    .join('\n')

const startText = (sandbox: Sandbox): string => {
  const urls = Object.entries(urlsOf(sandbox))
  return `Sandbox providers are ready; nobody is told anything.

${urls.map(([name, url]) => `  ${name.padEnd(9)} ${url}`).join('\n')}
  control   ${sandbox.controlUrl}

Keys and certificates, new at each start:  curl ${sandbox.controlUrl}/config
What was received:                         curl ${sandbox.controlUrl}/ledger  (and /ledger/summary)
All magic recipients:                      curl ${sandbox.controlUrl}/magic

Magic recipients: e-mail user+NAME@any.example, FCM token magic-NAME, phone and APNs token as below.
What fails (down to credentials) also exists as NAME-once and NAME-twice; its phone number has 1 or 2 more
in the two digits after 555, its APNs token 01 or 02 at the end of these twelve. The last digits are free.

  NAME               PHONE         APNS TOKEN (12 of 64 hex digits)
${magicTable()}
`
}

/** Runs until SIGTERM or SIGINT. */
export const runSandbox = async (args: string[]): Promise<number> => {
  const { json, ...options } = parseSandboxArgs(args)
  // Listened to before anything is printed: a parent may answer the first line with a signal.
  const stopped = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  const log = (line: string) => void process.stderr.write(`sandbox: ${line}\n`)
  await using sandbox = await startSandbox({ ...options, log })
  const { controlUrl } = sandbox
  const ready = { controlUrl, pid: process.pid, ...urlsOf(sandbox) }
  process.stdout.write(json ? `${JSON.stringify(ready)}\n` : startText(sandbox))
  await stopped
  return 0
}
