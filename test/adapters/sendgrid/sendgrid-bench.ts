import { Secret } from '#ports/secret.ts'
import type { Sandbox } from '#sandbox/sandbox.ts'
import {
  openSendgridChannel,
  type SendgridOptions,
} from '../../../src/adapters/sendgrid/sendgrid-channel.ts'
import { realClock, unique } from '../wire/channel-bench.ts'

export const address = () => `somebody${unique()}@example.org`

export const openChannel = ({ config }: Sandbox, changes: Partial<SendgridOptions> = {}) =>
  openSendgridChannel({
    ...config.sendgrid,
    apiKey: new Secret(config.sendgrid.apiKey),
    clock: realClock,
    ...changes,
  })
