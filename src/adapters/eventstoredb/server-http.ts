import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Connection } from './connection-url.ts'

export interface HttpAnswer {
  readonly status: number
  /** As the server's clock stood, milliseconds since the epoch; whole seconds. */
  readonly date: number | undefined
  readonly body: string
}

const timeoutMs = 3_000
const bodyMax = 1_000_000

/**
 * Asks the first host over HTTP/1.1, which the server speaks on the same port, for what its other interface
 * does not tell. `undefined`: there was no answer.
 */
export const getHttp = (connection: Connection, path: string): Promise<HttpAnswer | undefined> =>
  new Promise((resolve) => {
    const [host] = connection.hosts
    const { credentials, certificates, tls } = connection
    const request = (tls ? requestHttps : requestHttp)({
      host: host?.address.replace(/^\[|\]$/g, ''),
      port: host?.port,
      path,
      agent: false,
      timeout: timeoutMs,
      headers: { accept: 'application/json' },
      ...(tls && credentials && { auth: `${credentials.username}:${credentials.password}` }),
      ...(certificates.rootCertificate && { ca: certificates.rootCertificate }),
      ...(certificates.userCertFile && {
        cert: certificates.userCertFile,
        key: certificates.userKeyFile,
      }),
    })
    request.on('response', (response) => {
      const parts: Buffer[] = []
      let bytes = 0
      response.on('data', (part: Buffer) => {
        bytes += part.length
        if (bytes > bodyMax) request.destroy()
        else parts.push(part)
      })
      response.on('end', () => {
        const date = Date.parse(response.headers.date ?? '')
        resolve({
          status: response.statusCode ?? 0,
          date: Number.isNaN(date) ? undefined : date,
          body: Buffer.concat(parts).toString('utf8'),
        })
      })
      response.on('error', () => resolve(undefined))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(undefined))
    request.on('close', () => resolve(undefined))
    request.end()
  })
