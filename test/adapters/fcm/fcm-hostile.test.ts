import { afterAll, beforeAll } from 'vitest'
import type { DisposableChannel } from '#ports/channel.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { messageTo } from '../wire/channel-bench.ts'
import { describeGoaway } from '../wire/goaway.ts'
import { describeHostility } from '../wire/hostile.ts'
import { openChannel, registrationToken } from './fcm-bench.ts'

let sandbox: Sandbox
let channel: DisposableChannel
beforeAll(async () => {
  sandbox = await startSandbox({ latencyMs: 20 })
  channel = await openChannel(sandbox)
})
afterAll(async () => {
  await channel[Symbol.asyncDispose]()
  await sandbox[Symbol.asyncDispose]()
})

const messageOf = (token: string) => messageTo({ kind: 'device', platform: 'android', token })

describeHostility('FCM on a bad day', {
  send: (answers, limits) => {
    const token = registrationToken()
    sandbox.script(token, answers)
    return channel.send(messageOf(token), limits)
  },
})

describeGoaway('FCM', {
  sandbox: () => sandbox,
  open: () => openChannel(sandbox),
  recipient: registrationToken,
  messageTo: messageOf,
})
