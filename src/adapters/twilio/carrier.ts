import type twilio from 'twilio'
import type { Attempt } from '#ports/channel.ts'
import type { WireResult } from '../wire/exchange.ts'
import type { Wire } from '../wire/wire.ts'

type SdkRequest = Parameters<InstanceType<typeof twilio.RequestClient>['request']>[0]

/** Of arrays one field for each entry, as the SDK's own client writes them. */
const formOf = (data: unknown): string => {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(data ?? {}))
    for (const one of Array.isArray(value) ? value : [value]) form.append(name, String(one))
  return form.toString()
}

/**
 * Stands where the SDK has its axios client: that one reads 200 MB and waits for a byte a second. Carries one
 * message, and keeps what was answered, because the SDK throws half of it away and quotes the rest.
 */
export class Carrier {
  readonly #wire: Wire
  readonly #attempt: Attempt
  result: WireResult | undefined

  constructor(wire: Wire, attempt: Attempt) {
    this.#wire = wire
    this.#attempt = attempt
  }

  async request(sdk: SdkRequest) {
    const credentials = Buffer.from(`${sdk.username}:${sdk.password}`).toString('base64')
    const { signal, onFirstByte, onWritten } = this.#attempt
    const result = await this.#wire.request({
      method: 'POST',
      path: new URL(sdk.uri).pathname,
      headers: {
        ...(sdk.headers as Record<string, string>),
        authorization: `Basic ${credentials}`,
      },
      body: formOf(sdk.data),
      signal,
      onFirstByte,
      onWritten,
    })
    this.result = result
    if (result.failure !== undefined) throw new Error(result.code)
    return { statusCode: result.status, body: result.body, headers: result.headers }
  }
}
