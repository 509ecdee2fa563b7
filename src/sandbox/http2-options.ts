import type { SecureServerOptions } from 'node:http2'

/**
 * Node guards against hostile clients by ending a session after a thousand resets or 10 MB of open streams. Here
 * those are a client's own deadlines against a provider that never answers, and the guard would be a fault nobody asked for.
 */
export const http2Options: SecureServerOptions & {
  streamResetBurst: number
  streamResetRate: number
} = {
  settings: { maxConcurrentStreams: 1_000 },
  maxSessionMemory: 1_000,
  streamResetBurst: 1_000_000,
  streamResetRate: 1_000_000,
}
