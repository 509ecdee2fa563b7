import { createPublicKey, generateKeyPair, type KeyObject, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { generate } from 'selfsigned'

/** Everything that is secret or proves who somebody is, made anew at each start. */
export interface Identity {
  tls: { key: string; cert: string; ca: string }
  apns: { teamId: string; keyId: string; key: string; publicKey: KeyObject; topic: string }
  fcm: { projectId: string; clientEmail: string; keyId: string; key: string; publicKey: KeyObject }
  twilio: { accountSid: string; authToken: string; from: string }
  sendgrid: { apiKey: string; from: string; privateKey: KeyObject; publicKey: string }
}

const generateKeys = promisify(generateKeyPair)
const hex = (bytes: number) => randomBytes(bytes).toString('hex')
const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()

const certify = async (host: string): Promise<Identity['tls']> => {
  const ec = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const
  const root = await generate([{ name: 'commonName', value: 'Pabal sandbox CA' }], {
    ...ec,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const names = new Set(['localhost', '127.0.0.1', '::1', host])
  const altNames = [...names].map((name) =>
    isIP(name) === 0 ? ({ type: 2, value: name } as const) : ({ type: 7, ip: name } as const),
  )
  const leaf = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...ec,
    ca: { key: root.private, cert: root.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames },
    ],
  })
  return { key: leaf.private, cert: leaf.cert, ca: root.cert }
}

export const createIdentity = async (host: string): Promise<Identity> => {
  const p256 = { namedCurve: 'P-256' }
  const [tls, apns, fcm, sendgrid] = await Promise.all([
    certify(host),
    generateKeys('ec', p256),
    generateKeys('rsa', { modulusLength: 2048 }),
    generateKeys('ec', p256),
  ])
  const projectId = 'pabal-sandbox'
  return {
    tls,
    apns: {
      teamId: 'SANDBOX001',
      keyId: hex(5).toUpperCase(),
      key: pem(apns.privateKey),
      publicKey: apns.publicKey,
      topic: 'example.pabal.sandbox',
    },
    fcm: {
      projectId,
      clientEmail: `sandbox@${projectId}.iam.gserviceaccount.com`,
      keyId: hex(20),
      key: pem(fcm.privateKey),
      publicKey: createPublicKey(fcm.privateKey),
    },
    twilio: { accountSid: `AC${hex(16)}`, authToken: hex(16), from: '+15005550006' },
    sendgrid: {
      apiKey: `SG.${randomBytes(16).toString('base64url')}.${randomBytes(32).toString('base64url')}`,
      from: 'sandbox@pabal.example',
      privateKey: sendgrid.privateKey,
      publicKey: sendgrid.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    },
  }
}
